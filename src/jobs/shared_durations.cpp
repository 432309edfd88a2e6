#include "jobs/shared_durations.hpp"

#include <algorithm>

namespace tranter::jobs {

void SharedDurations::put(std::chrono::duration<double> duration) {
    const double value = std::max(duration.count(), 0.0);
    counts_[DurationBuckets::bucket_of(duration_bounds, value)].fetch_add(
        1, std::memory_order_relaxed
    );
    micros_.fetch_add(static_cast<std::int64_t>(value * 1e6), std::memory_order_relaxed);
}

DurationBuckets SharedDurations::read() const {
    DurationBuckets buckets;
    for (std::size_t i = 0; i < counts_.size(); ++i)
        buckets.counts[i] = counts_[i].load(std::memory_order_relaxed);
    buckets.sum = static_cast<double>(micros_.load(std::memory_order_relaxed)) / 1e6;
    return buckets;
}

}  // namespace tranter::jobs
