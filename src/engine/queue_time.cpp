#include "engine/queue.hpp"

#include <algorithm>
#include <utility>

namespace tranter::engine {

void Queue::advance(Instant now) {
    now_ = now;
    expire(now);
    if (!deadlines_.empty()) expire_deadlines(now);
    wheel_.advance(slab_, now, fired_);
    if (!fired_.empty()) fire_timers(now);
    if (deduplication_.size() > 0) deduplication_.expire(policy_.deduplication_window, now);
    if (unique_.throttles() > 0) unique_.expire(now);
    attempts_.expire(now);
}

void Queue::fire_timers(Instant now) {
    timers_fired_ += fired_.size();
    for (const Slot slot : fired_) {
        const Message& message = slab_[slot];
        const bool may_end = message.cancel_requested || message.has_extras;
        const auto why = may_end ? ends_on_return(slot, now) : std::nullopt;
        if (why) {
            wheel_.insert(slab_, slot);  // so that it leaves like every other message in flight
            end(slot, *why);
        } else {
            make_visible(slot, message.due());
        }
    }
    fired_.clear();
}

void Queue::expire_deadlines(Instant now) {
    while (const auto entry = deadlines_.take(now)) {
        const Message* message = slab_.find(entry->slot, entry->sequence);
        // One in flight ends when it comes back.
        if (message == nullptr || message->state == State::in_flight) continue;
        end(entry->slot, Ended::Why::expired);
    }
}

void Queue::expire(Instant now) {
    if (!ages()) return;
    const Instant oldest = now - policy_.retention;  // unlike a sum, this cannot overflow
    while (!sent_.empty() && slab_[sent_.head()].sent_at <= oldest) {
        remove(sent_.head());
        ++counters_.expired;
    }
    while (const auto entry = moved_times_.take(oldest)) {
        // It may have left and be back since.
        const bool here = slab_.find(entry->slot, entry->sequence) != nullptr;
        if (!here || ages_from(entry->slot) != entry->base) continue;
        remove(entry->slot);
        ++counters_.expired;
    }
}

std::optional<Instant> Queue::next_event() const {
    Instant earliest = Instant::max();
    const auto consider = [&](Instant when) {
        earliest = std::min(earliest, when);
    };
    if (const auto timer = wheel_.next_event(slab_)) consider(*timer);
    if (ages() && !sent_.empty()) consider(later(slab_[sent_.head()].sent_at, policy_.retention));
    if (const auto moved = moved_times_.next()) consider(later(*moved, policy_.retention));
    if (const auto deadline = deadlines_.next()) consider(*deadline);
    if (const auto throttle = unique_.next_expiry()) consider(*throttle);
    if (const auto oldest = deduplication_.oldest())
        consider(*oldest + policy_.deduplication_window);
    if (const auto attempt = attempts_.next_expiry()) consider(*attempt);
    if (earliest == Instant::max()) return std::nullopt;
    return earliest;
}

void Queue::set_policy(const QueuePolicy& policy, Instant now) {
    advance(now);
    const QueuePolicy before = policy_;
    policy_ = policy;
    policy_.groups.order = before.groups.order;
    policy_.deduplication_scope = before.deduplication_scope;
    if (fifo() && policy_.delay != before.delay) delay_waiting_fifo_messages(now);
    if (ages() != (before.retention > Duration::zero())) {
        moved_times_.unwatch_all();
        for (Slot slot = moved_.head(); ages() && slot != no_slot;)
            watch_moved(std::exchange(slot, ArrivalList::next(slab_, slot)));
    }
    const bool other_lines =
        policy_.groups != before.groups || policy_.priority_aging != before.priority_aging;
    if (other_lines) {
        if (fifo()) {
            fifo_.set_policy(policy_.groups);
            groups_.for_each([&](Slot group) { fifo_.refresh(group); });
        } else {
            standard_.rebuild(policy_.groups, policy_.priority_aging, visible_in_order());
        }
    }
    advance(now);
}

/// Of a message from another queue. A FIFO queue starts its age anew, a standard one keeps it
/// (SQS_SPEC 8.1).
Instant Queue::ages_from(Slot slot) const {
    const Message& message = slab_[slot];
    return fifo() ? moved_times_.at(message.sequence) : message.sent_at;
}

/// That it expires.
void Queue::watch_moved(Slot slot) {
    moved_times_.watch({.base = ages_from(slot), .slot = slot, .sequence = slab_[slot].sequence});
}

/// A FIFO queue's delay also holds for messages that were sent before it changed and that nobody
/// has received yet (SQS_SPEC 11.4). One that was put back without counting has been received.
void Queue::delay_waiting_fifo_messages(Instant now) {
    for (Slot slot = sent_.head(); slot != no_slot; slot = ArrivalList::next(slab_, slot)) {
        Message& message = slab_[slot];
        if (message.deliveries > 0 || message.state == State::in_flight) continue;
        if (message.state == State::delayed) {
            wheel_.remove(slab_, slot);
            --counters_.delayed;
        } else {
            --counters_.visible;
            if (message.state == State::held) end_hold(slot);
        }
        const Instant due = later(message.sent_at, policy_.delay);
        if (due > now) {
            start_timer(slot, State::delayed, due);
            ++counters_.delayed;
        } else {
            message.state = State::visible;
            ++counters_.visible;
            hold_back(slot, now);
        }
        fifo_.refresh(message.group);
    }
}

std::vector<Slot> Queue::visible_in_order() const {
    std::vector<Slot> visible;
    for (const ArrivalList* list : {&sent_, &moved_}) {
        for (Slot slot = list->head(); slot != no_slot; slot = ArrivalList::next(slab_, slot)) {
            if (slab_[slot].state == State::visible) visible.push_back(slot);
        }
    }
    std::sort(visible.begin(), visible.end(), [this](Slot a, Slot b) {
        return slab_[a].place() < slab_[b].place();
    });
    return visible;
}

}  // namespace tranter::engine
