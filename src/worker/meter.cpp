#include "worker/meter.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace tranter::worker {

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

JobMeter& Meters::of(std::string_view queue, std::string_view type) {
    {
        const std::shared_lock lock(mutex_);
        const auto found = meters_.find(std::pair(queue, type));
        if (found != meters_.end()) return *found->second;
    }
    const std::lock_guard lock(mutex_);
    const bool is_known = types_.contains(type);
    if (!is_known && types_.size() >= types_max) return add(queue, other_types);
    if (!is_known) types_.emplace(type);
    return add(queue, type);
}

JobMeter& Meters::add(std::string_view queue, std::string_view type) {
    const auto found = meters_.find(std::pair(queue, type));
    if (found != meters_.end()) return *found->second;
    auto meter = std::make_unique<JobMeter>();
    meter->ended.queue = queue;
    meter->ended.type = type;
    return *meters_.emplace(Key(queue, type), std::move(meter)).first->second;
}

std::vector<JobMeter*> Meters::all() const {
    std::vector<JobMeter*> all;
    const std::shared_lock lock(mutex_);
    all.reserve(meters_.size());
    for (const auto& [key, meter] : meters_)
        all.push_back(meter.get());
    return all;
}

}  // namespace tranter::worker
