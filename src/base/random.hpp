#pragma once

#include <array>
#include <cstdint>

namespace tranter {

/// Random numbers that make ids unique: Blackman and Vigna's xoshiro256** 1.0 with a state from the
/// kernel. Not for secrets: who sees several can compute the next. Of one thread.
class Random {
  public:
    Random();

    std::uint64_t next();

  private:
    std::array<std::uint64_t, 4> state_{};
};

/// The next number of this thread's own.
std::uint64_t random_word();

}  // namespace tranter
