#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace tranter::worker {

/// How long to rest before the store is asked again: growing, and not the same for all workers.
/// Not thread-safe.
class Backoff {
  public:
    Backoff(std::chrono::milliseconds first, std::chrono::milliseconds max)
        : first_(first),
          max_(max),
          next_(first),
          random_(static_cast<std::uint32_t>(
              std::chrono::steady_clock::now().time_since_epoch().count()
          )) {}

    std::chrono::milliseconds next() {
        const auto rest = next_;
        next_ = std::min(next_ * 2, max_);
        return rest - rest * static_cast<std::int64_t>(random_() % 512) / 1024;
    }
    void reset() { next_ = first_; }

  private:
    std::chrono::milliseconds first_;
    std::chrono::milliseconds max_;
    std::chrono::milliseconds next_;
    std::minstd_rand random_;
};

}  // namespace tranter::worker
