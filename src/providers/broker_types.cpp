#include "providers/broker_types.hpp"

#include <chrono>

namespace tranter::providers {

std::string_view JobTypeNames::shown(std::string_view type) {
    const std::lock_guard lock(mutex_);
    if (types_.contains(type)) return type;
    if (types_.size() >= types_max) return "other";
    types_.emplace(type);
    return type;
}

JobTypeCounts& JobTypeTable::Access::of(std::string_view type) {
    if (last_ != nullptr && last_type_ == type) return *last_;
    auto found = table_.types_.find(type);
    if (found == table_.types_.end()) {
        const std::string_view shown = table_.names_.shown(type);
        found = table_.types_.try_emplace(std::string(shown)).first;
        found->second.type = shown;
    }
    last_ = &found->second;
    last_type_ = type;
    return *last_;
}

void JobTypeTable::Access::waited(Duration time) {
    table_.latency_.add(duration_bounds, std::chrono::duration<double>(time).count());
}

JobQueueMetrics JobTypeTable::read() const {
    JobQueueMetrics metrics;
    const std::lock_guard lock(mutex_);
    metrics.queue_latency = latency_;
    metrics.types.reserve(types_.size());
    for (const auto& [type, counts] : types_)
        metrics.types.push_back(counts);
    return metrics;
}

}  // namespace tranter::providers
