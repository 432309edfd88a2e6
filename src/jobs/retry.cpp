#include <tranter/retry.hpp>

#include <cmath>
#include <cstdint>

namespace tranter {

std::optional<std::chrono::milliseconds> RetryPolicy::next_delay(
    std::uint32_t attempt, std::uint64_t random
) const {
    if (attempt >= max_attempts) return std::nullopt;
    std::chrono::milliseconds rest = max;
    // pow() may be infinite, which is more than `max` too, but not when it is multiplied by zero.
    const double growth = std::pow(factor, attempt == 0 ? 0.0 : attempt - 1.0);
    const double grown = base.count() == 0 ? 0 : static_cast<double>(base.count()) * growth;
    if (grown < static_cast<double>(max.count())) {
        rest = std::chrono::milliseconds(static_cast<std::int64_t>(grown));
    }
    const double share = static_cast<double>(random >> 11) * 0x1p-53;  // from 0, below 1
    const double taken = static_cast<double>(rest.count()) * jitter * share;
    return rest - std::chrono::milliseconds(static_cast<std::int64_t>(taken));
}

}  // namespace tranter
