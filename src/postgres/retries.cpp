#include "postgres/retries.hpp"

#include <algorithm>

namespace tranter::postgres {

void Retries::failed() {
    constexpr std::chrono::milliseconds shortest(50);
    constexpr std::chrono::milliseconds longest(5'000);
    rest_ = std::clamp(rest_ * 2, shortest, longest);
    next_ = Clock::now() + rest_;
}

}  // namespace tranter::postgres
