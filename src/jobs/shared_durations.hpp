#pragma once

#include <tranter/worker_metrics.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace tranter::jobs {

/// DurationBuckets for any number of threads at once, without a lock.
class SharedDurations {
  public:
    void put(std::chrono::duration<double> duration);
    DurationBuckets read() const;

  private:
    std::array<std::atomic<std::uint64_t>, duration_bounds.size() + 1> counts_{};
    std::atomic<std::int64_t> micros_ = 0;
};

}  // namespace tranter::jobs
