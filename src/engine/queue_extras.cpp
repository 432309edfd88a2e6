#include "engine/queue.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace tranter::engine {

/// No effect when the message is an ordinary one, but for its priority.
void Queue::add_extras(Slot slot, const Traits& traits, std::string note, Instant unique_since) {
    Message& message = slab_[slot];
    message.priority = std::min(traits.priority, priority_last);
    const bool ordinary = traits.max_receives == 0 && traits.deadline == Instant{} &&
                          traits.uniqueness == Uniqueness::none && traits.unique_key.empty() &&
                          traits.unique_for == Duration::zero() && note.empty();
    if (ordinary) return;
    message.has_extras = true;
    Extras& extras = extras_[slot];
    extras.traits = traits;
    extras.note = std::move(note);
    extras.unique_since = unique_since;
    extras.yields = traits.uniqueness == Uniqueness::keep_latest && !traits.unique_key.empty() &&
                    message.source_queue == 0;
    counters_.bytes += extras.note.size();
    counters_.bytes_in_memory += extras.note.size();
    if (has_unique_key(traits)) unique_.add(slot);
    if (traits.deadline != Instant{}) {
        deadlines_.add(slab_, {.at = traits.deadline, .slot = slot, .sequence = message.sequence});
    }
}

void Queue::drop_extras(Slot slot) {
    const Extras& extras = extras_.at(slot);
    counters_.bytes -= extras.note.size();
    counters_.bytes_in_memory -= extras.note.size();
    if (has_unique_key(extras.traits)) unique_.remove(slot);
    if (extras.traits.deadline != Instant{}) deadlines_.forget();
    extras_.erase(slot);
    slab_[slot].has_extras = false;
}

Traits Queue::traits_of(Slot slot) const {
    Traits traits;
    if (slab_[slot].has_extras) traits = extras_.at(slot).traits;
    traits.priority = slab_[slot].priority;
    return traits;
}

Instant Queue::deadline_of(Slot slot) const {
    return slab_[slot].has_extras ? extras_.at(slot).traits.deadline : Instant{};
}

/// What a send with a unique key meets; nothing when nothing stands against it.
std::optional<Sent> Queue::apply_uniqueness(
    Payload& payload, const SendOptions& options, Instant now
) {
    const Traits& traits = *options.traits;
    if (traits.uniqueness == Uniqueness::throttle) {
        const auto* throttle = unique_.find_throttle(traits.unique_key);
        if (throttle == nullptr) return std::nullopt;
        const Deduplication::Entry& first = throttle->first;
        return Sent{
            .id = first.id, .sequence = first.sequence, .slot = first.slot, .duplicate = true};
    }
    if (traits.uniqueness == Uniqueness::simple) {
        const Slot slot = unique_.newest(traits.unique_key);
        if (slot == no_slot) return std::nullopt;
        const Message& held = slab_[slot];
        return Sent{
            .id = held.payload.id(), .sequence = held.sequence, .slot = slot, .duplicate = true};
    }
    const Slot slot = newest_waiting(traits.unique_key);
    if (slot == no_slot) return std::nullopt;
    return replace(slot, std::move(payload), options, now);
}

void Queue::start_throttle(const Traits& traits, const Sent& sent, Instant now) {
    if (traits.uniqueness != Uniqueness::throttle || traits.unique_for <= Duration::zero()) return;
    unique_.add_throttle(
        traits.unique_key,
        {.first = {.id = sent.id, .sequence = sent.sequence, .slot = sent.slot},
         .at = now,
         .lasts = traits.unique_for}
    );
}

Slot Queue::newest_waiting(std::string_view key) const {
    Slot slot = unique_.newest(key);
    while (slot != no_slot && slab_[slot].state == State::in_flight)
        slot = extras_.at(slot).older;
    return slot;
}

/// The message in this slot, which is not in flight, becomes another one. It does not leave its
/// line when it can stay there, so that its group keeps its turn.
Sent Queue::replace(Slot slot, Payload payload, const SendOptions& options, Instant now) {
    Message& message = slab_[slot];
    const Traits& traits = *options.traits;
    const Sent::Replaced replaced{.slot = slot, .sequence = message.sequence};
    const Instant since = extras_.at(slot).unique_since;
    const auto delayed_until = delay_of_replacement(slot, options, now);
    const Slot old_group = message.group;
    const Slot group = join_group(options.group);
    const bool yields = traits.uniqueness == Uniqueness::keep_latest && flies(traits.unique_key);
    const bool stays = !fifo() && message.state == State::visible && !delayed_until && !yields &&
                       group == old_group &&
                       message.priority == std::min(traits.priority, priority_last);
    if (!stays) leave_line(slot, message);
    drop_extras(slot);
    leave_arrivals(slot, message);
    discount_bytes(message.payload);
    message.group = group;
    leave_group(old_group);

    const MessageId id = message.payload.id();
    message.payload = payload.with_identity(id, payload.deduplication_id());
    count_bytes(message.payload);
    begin_anew(message, now);
    sent_.push_back(slab_, slot);
    add_extras(slot, traits, {}, since);
    if (group != no_slot) groups_[group].last_sent = now;
    if (stays) {
        standard_.in_flight_changed(group);
    } else {
        begin_waiting(slot, delayed_until.value_or(now), now);
    }
    return Sent{.id = id, .sequence = message.sequence, .slot = slot, .replaced = replaced};
}

bool Queue::flies(std::string_view unique_key) const {
    const UniqueKeys::Key* key = unique_.find(unique_key);
    return key != nullptr && key->in_flight > 0;
}

/// Of a message that has one.
UniqueKeys::Key& Queue::key_of(Slot slot) {
    return *unique_.find(extras_.at(slot).traits.unique_key);
}

void Queue::joined_flight(Slot slot) {
    if (has_unique_key(extras_.at(slot).traits)) ++key_of(slot).in_flight;
}

void Queue::left_flight(Slot slot) {
    if (!has_unique_key(extras_.at(slot).traits)) return;
    UniqueKeys::Key& key = key_of(slot);
    if (--key.in_flight > 0 || key.held == 0) return;
    for (Slot other = key.newest; key.held > 0; other = extras_.at(other).older) {
        if (slab_[other].state != State::held) continue;
        let_go_.push_back(other);
        --key.held;
    }
}

/// Whether the message, which is visible and in no line, must stay out of it.
bool Queue::hold_back(Slot slot, Instant since) {
    Message& message = slab_[slot];
    if (!message.has_extras || !extras_.at(slot).yields) return false;
    UniqueKeys::Key& key = key_of(slot);
    if (key.in_flight == 0) return false;
    message.state = State::held;
    message.set_due(since);
    ++key.held;
    return true;
}

/// The message is in flight now. O(messages with its key), which are two unless some came back or
/// from other queues.
void Queue::hold_back_others(Slot slot) {
    if (!has_unique_key(extras_.at(slot).traits)) return;
    const UniqueKeys::Key& key = key_of(slot);
    if (key.in_flight > 1 || key.yielding == 0) return;
    for (Slot other = key.newest; other != no_slot; other = extras_.at(other).older) {
        if (slab_[other].state != State::visible || !extras_.at(other).yields) continue;
        if (!fifo()) standard_.remove(other);
        hold_back(other, now_);
        if (fifo()) fifo_.refresh(slab_[other].group);
    }
}

void Queue::end_hold(Slot slot) {
    --key_of(slot).held;
}

/// The oldest first.
void Queue::enter_lines(Instant since) {
    for (; !let_go_.empty(); let_go_.pop_back()) {
        const Slot slot = let_go_.back();
        slab_[slot].state = State::visible;
        if (fifo()) {
            fifo_.refresh(slab_[slot].group);
        } else {
            standard_.push_back(slot, since);
        }
    }
}

/// Until when what takes the place of this message is delayed; nothing: not at all.
std::optional<Instant> Queue::delay_of_replacement(
    Slot slot, const SendOptions& options, Instant now
) const {
    const Traits& traits = *options.traits;
    const Message& message = slab_[slot];
    if (traits.uniqueness == Uniqueness::keep_latest) {
        if (message.state != State::delayed) return std::nullopt;
        return message.due();
    }
    Instant until = later(now, options.delay.value_or(policy_.delay));
    if (traits.unique_for > Duration::zero()) {
        until = std::min(until, later(extras_.at(slot).unique_since, traits.unique_for));
    }
    if (until <= now) return std::nullopt;
    return until;
}

/// Another message in the same slot.
void Queue::begin_anew(Message& message, Instant now) {
    message.sequence = ++last_sequence_;
    message.sent_at = now;
    message.received_at = {};
    message.receive_count = 0;
    message.deliveries = 0;
    message.first_receive = Message::never;
    message.source_queue = 0;
    message.moved_in = false;
    message.taken_back = false;
}

Slot Queue::find_slot(const MessageId& id) {
    if (!index_.built()) {
        index_.build(slab_.size());
        for (const ArrivalList* list : {&sent_, &moved_}) {
            for (Slot slot = list->head(); slot != no_slot; slot = ArrivalList::next(slab_, slot))
                index_.add(slab_, slot);
        }
    }
    return index_.find(slab_, id);
}

}  // namespace tranter::engine
