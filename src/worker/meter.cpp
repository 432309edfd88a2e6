#include "worker/meter.hpp"

#include <mutex>
#include <utility>

namespace tranter::worker {

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
