#include "base/random.hpp"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <stdexcept>

namespace tranter {

Random::Random() {
    ssize_t got = 0;
    do {
        got = ::getrandom(state_.data(), sizeof state_, 0);
    } while (got < 0 && errno == EINTR);
    if (got != static_cast<ssize_t>(sizeof state_)) {
        throw std::runtime_error("the kernel gives no random numbers");
    }
    state_[0] |= 1;  // all zeros is the one state that never changes
}

std::uint64_t Random::next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

std::uint64_t random_word() {
    thread_local Random random;
    return random.next();
}

}  // namespace tranter
