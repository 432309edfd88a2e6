#include "broker/event_index.hpp"

#include "broker/queue_state.hpp"

namespace tranter::broker {

bool EventIndex::schedule(const QueueHandle& queue, Instant when) {
    // Without the mutex: nearly every operation finds that an earlier look is planned already.
    auto& next_look = queue->state().next_look;
    if (next_look.load(std::memory_order_acquire) <= when) return false;
    const std::lock_guard lock(mutex_);
    if (next_look.load(std::memory_order_relaxed) <= when) return false;
    if (const auto found = by_queue_.find(queue->id()); found != by_queue_.end()) {
        by_time_.erase(found->second);
    }
    const auto place = by_time_.emplace(when, queue);
    by_queue_[queue->id()] = place;
    next_look.store(when, std::memory_order_release);
    return place == by_time_.begin();
}

std::optional<Instant> EventIndex::next() const {
    const std::lock_guard lock(mutex_);
    if (by_time_.empty()) return std::nullopt;
    return by_time_.begin()->first;
}

std::vector<QueueHandle> EventIndex::take_due(Instant now) {
    std::vector<QueueHandle> due;
    const std::lock_guard lock(mutex_);
    while (!by_time_.empty() && by_time_.begin()->first <= now) {
        QueueHandle queue = std::move(by_time_.begin()->second);
        by_time_.erase(by_time_.begin());
        by_queue_.erase(queue->id());
        queue->state().next_look.store(Instant::max(), std::memory_order_release);
        due.push_back(std::move(queue));
    }
    return due;
}

void EventIndex::remove(const Queue& queue) {
    const std::lock_guard lock(mutex_);
    const auto found = by_queue_.find(queue.id());
    if (found == by_queue_.end()) return;
    by_time_.erase(found->second);
    by_queue_.erase(found);
}

}  // namespace tranter::broker
