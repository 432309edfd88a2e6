#include "engine/queue.hpp"

#include <string>
#include <utility>

namespace tranter::engine {

Queue::Queue(QueuePolicy policy) : policy_(policy) {
    if (fifo()) {
        fifo_.set_policy(policy_.groups);
    } else {
        standard_.set_policy(policy_.groups, policy_.priority_aging);
    }
}

Result<Sent> Queue::send(Payload payload, const SendOptions& options, Instant now) {
    advance(now);
    const std::string_view deduplication_id = payload.deduplication_id();
    std::string key;
    if (fifo() && !deduplication_id.empty()) {
        key = deduplication_key(options.group, deduplication_id);
        if (const auto* first = deduplication_.find(key)) {
            ++counters_.deduplicated;
            return Sent{
                .id = first->id,
                .sequence = first->sequence,
                .slot = first->slot,
                .duplicate = true};
        }
    }
    const bool unique = has_unique_key(options);
    if (unique) {
        if (auto sent = apply_uniqueness(payload, options, now)) {
            ++counters_.deduplicated;
            if (sent->replaced && !key.empty()) remember(std::move(key), *sent, now);
            return *sent;
        }
    }
    if (const auto limit = policy_.groups.max_queued_per_group;
        limit > 0 && !options.group.empty()) {
        const Slot group = groups_.find(options.group);
        if (group != no_slot && groups_[group].queued() >= limit) {
            return fail(
                Errc::limit_exceeded,
                "group " + std::string(options.group) + " has " +
                    std::to_string(groups_[group].queued()) + " queued messages, limit is " +
                    std::to_string(limit)
            );
        }
    }

    const MessageId id = payload.id();
    const Slot slot = add(std::move(payload), options.group, now, false);
    if (options.traits != nullptr) add_extras(slot, *options.traits, {}, now);
    Message& message = slab_[slot];
    const Duration delay = options.delay.value_or(policy_.delay);
    begin_waiting(slot, delay > Duration::zero() ? later(now, delay) : now, now);
    if (message.group != no_slot) groups_[message.group].last_sent = now;
    ++counters_.sent;
    const Sent sent{.id = id, .sequence = message.sequence, .slot = slot};
    if (!key.empty()) remember(std::move(key), sent, now);
    if (unique) start_throttle(*options.traits, sent, now);
    return sent;
}

/// FIFO: that the message was accepted under this key.
void Queue::remember(std::string&& key, const Sent& sent, Instant now) {
    deduplication_.insert(
        std::move(key), {.id = sent.id, .sequence = sent.sequence, .slot = sent.slot}, now
    );
}

Sent Queue::move_in(Transfer transfer, Instant now) {
    advance(now);
    const MessageId id = transfer.payload.id();
    const Slot slot = add(std::move(transfer.payload), transfer.group, transfer.sent_at, true);
    const Message& message = slab_[slot];
    fill_moved(slot, transfer, now);
    ++counters_.moved_in;
    enter_line(slot, now);
    return Sent{.id = id, .sequence = message.sequence, .slot = slot};
}

Sent Queue::give_back(Transfer transfer, Instant now) {
    advance(now);
    const MessageId id = transfer.payload.id();
    count_bytes(transfer.payload);
    const Slot slot = slab_.allocate();
    Message& message = slab_[slot];
    message.payload = std::move(transfer.payload);
    message.sequence = transfer.source_sequence;
    message.sent_at = transfer.sent_at;
    message.moved_in = true;
    message.deliveries = transfer.deliveries;
    message.received_at = transfer.received_at;
    message.taken_back = transfer.taken_back;
    message.group = join_group(transfer.group);
    moved_.insert_before(slab_, first_after(moved_, message.sequence), slot);
    if (index_.built()) index_.add(slab_, slot);
    fill_moved(slot, transfer, now);
    const bool held = hold_back(slot, now);
    if (fifo()) {
        fifo_.insert(slot);
    } else if (!held) {
        standard_.push_back(slot, now);
    }
    return Sent{.id = id, .sequence = message.sequence, .slot = slot};
}

/// What the message has from the queue where it was.
void Queue::fill_moved(Slot slot, Transfer& transfer, Instant now) {
    Message& message = slab_[slot];
    message.receive_count = transfer.receive_count;
    message.source_queue = transfer.source_queue;
    if (transfer.receive_count > 0) message.set_first_received_at(transfer.first_received_at);
    add_extras(slot, transfer.traits, std::move(transfer.note), transfer.sent_at);
    message.state = State::visible;
    ++counters_.visible;
    if (message.group != no_slot) groups_[message.group].last_sent = now;
    note_arrival(slot, now);
}

std::shared_ptr<void> Queue::purge(Instant now) {
    advance(now);
    struct Debris {
        Slab slab;
        ExtrasTable extras;
        Deduplication deduplication;
        std::vector<Flight> flights;
    };
    auto debris = std::make_shared<Debris>();
    std::swap(debris->slab, slab_);
    std::swap(debris->deduplication, deduplication_);
    unique_.clear();
    std::swap(debris->extras, extras_);
    std::swap(debris->flights, flights_);
    deadlines_ = {};
    index_.clear();
    wheel_.clear();
    if (fifo()) {
        fifo_.clear();
    } else {
        standard_.clear();
    }
    attempts_.clear();
    sent_ = {};
    moved_ = {};
    moved_times_ = {};
    counters_.visible = counters_.in_flight = counters_.delayed = 0;
    counters_.bytes = counters_.bytes_in_memory = counters_.groups_in_flight = 0;
    return debris;
}

void Queue::count_bytes(const Payload& payload) {
    const std::size_t size = payload.size();
    counters_.bytes += size;
    if (payload.has_bytes()) counters_.bytes_in_memory += size;
}

void Queue::discount_bytes(const Payload& payload) {
    const std::size_t size = payload.size();
    counters_.bytes -= size;
    if (payload.has_bytes()) counters_.bytes_in_memory -= size;
}

Slot Queue::add(Payload payload, std::string_view group, Instant sent_at, bool moved_in) {
    count_bytes(payload);
    const Slot slot = slab_.allocate();
    Message& message = slab_[slot];
    message.payload = std::move(payload);
    message.sequence = ++last_sequence_;
    message.sent_at = sent_at;
    message.moved_in = moved_in;
    message.group = join_group(group);
    (moved_in ? moved_ : sent_).push_back(slab_, slot);
    if (index_.built()) index_.add(slab_, slot);
    return slot;
}

/// One more message in the group. A FIFO message always has one, even when its key is empty.
Slot Queue::join_group(std::string_view group) {
    if (group.empty() && !fifo()) return no_slot;
    const Slot index = groups_.find_or_create(group);
    ++groups_[index].messages;
    return index;
}

/// A message that is new here waits for the end of its delay, or in line when that is over.
void Queue::begin_waiting(Slot slot, Instant delayed_until, Instant now) {
    if (delayed_until > now) {
        start_timer(slot, State::delayed, delayed_until);
        ++counters_.delayed;
    } else {
        slab_[slot].state = State::visible;
        ++counters_.visible;
    }
    enter_line(slot, now);
}

void Queue::enter_line(Slot slot, Instant now) {
    const bool available = slab_[slot].state == State::visible && !hold_back(slot, now);
    if (fifo()) {
        fifo_.append(slot);
    } else if (available) {
        standard_.push_back(slot, now);
    }
}

void Queue::start_timer(Slot slot, State state, Instant due) {
    Message& message = slab_[slot];
    message.state = state;
    message.set_due(due);
    wheel_.insert(slab_, slot);
}

/// From delayed or in flight (with its timer gone) to visible.
void Queue::make_visible(Slot slot, Instant since) {
    Message& message = slab_[slot];
    if (message.state == State::delayed) {
        --counters_.delayed;
    } else {
        leave_flight(slot);
    }
    message.state = State::visible;
    ++counters_.visible;
    const bool held = hold_back(slot, since);
    if (fifo()) {
        fifo_.refresh(message.group);
    } else if (!held) {
        standard_.push_back(slot, since);
    }
    let_go(since);
}

void Queue::join_flight(Slot slot) {
    const Message& message = slab_[slot];
    ++counters_.in_flight;
    if (message.group != no_slot && groups_[message.group].in_flight++ == 0) {
        ++counters_.groups_in_flight;
    }
    note_flight(slot);
    if (message.has_extras) joined_flight(slot);
}

/// The caller lets go of who was held back, once the message is where it belongs.
void Queue::leave_flight(Slot slot) {
    const Message& message = slab_[slot];
    --counters_.in_flight;
    forget_flights();
    if (message.has_extras) left_flight(slot);
    if (message.group == no_slot) return;
    Group& group = groups_[message.group];
    if (--group.in_flight == 0) --counters_.groups_in_flight;
    if (!fifo()) standard_.in_flight_changed(message.group);
}

/// Out of its line and its timer: it has no state for now.
void Queue::leave_line(Slot slot, Message& message) {
    const State state = std::exchange(message.state, State::free);
    if (state == State::visible) {
        --counters_.visible;
        if (!fifo()) standard_.remove(slot);
    } else if (state == State::held) {
        --counters_.visible;
        end_hold(slot);
    } else {
        wheel_.remove(slab_, slot);
        if (state == State::delayed) --counters_.delayed;
        if (state == State::in_flight) leave_flight(slot);
    }
    if (fifo()) fifo_.erase(slot);
}

void Queue::remove(Slot slot) {
    Message& message = slab_[slot];
    leave_line(slot, message);
    const bool had_extras = message.has_extras;
    if (had_extras) drop_extras(slot);
    if (index_.built()) index_.remove(slab_, slot);
    discount_bytes(message.payload);
    leave_arrivals(slot, message);
    leave_group(message.group);
    slab_.release(slot);
    if (had_extras) let_go(now_);
}

void Queue::leave_group(Slot group) {
    if (group != no_slot && --groups_[group].messages == 0) groups_.release(group);
}

void Queue::leave_arrivals(Slot slot, const Message& message) {
    (message.moved_in ? moved_ : sent_).remove(slab_, slot);
    if (message.moved_in) moved_times_.forget(slab_);
}

/// The message came from another queue.
void Queue::note_arrival(Slot slot, Instant at) {
    moved_times_.add(slot, slab_[slot].sequence, at);
    if (ages()) watch_moved(slot);
}

/// Whoever looks for it in the dead-letter queue must not find that it expired there.
Transfer Queue::extract_dead(Slot slot) {
    ++counters_.dead_lettered;
    Transfer transfer = extract(slot);
    transfer.traits.deadline = {};
    return transfer;
}

Transfer Queue::extract(Slot slot) {
    const Message& message = slab_[slot];
    Transfer transfer{
        .payload = message.payload,
        .group = std::string(group_key(message)),
        .sent_at = message.sent_at,
        .first_received_at = message.first_received_at(),
        .receive_count = message.receive_count,
        .source_queue = message.source_queue,
        .source_sequence = message.sequence,
        .source_slot = slot,
        .traits = traits_of(slot),
        .note = message.has_extras ? extras_.at(slot).note : std::string(),
        .deliveries = message.deliveries,
        .received_at = message.received_at,
        .taken_back = message.taken_back};
    remove(slot);
    return transfer;
}

std::string_view Queue::group_key(const Message& message) const {
    return message.group == no_slot ? std::string_view() : groups_[message.group].key;
}

}  // namespace tranter::engine
