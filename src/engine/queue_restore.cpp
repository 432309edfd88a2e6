#include "engine/queue.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>

namespace tranter::engine {

std::string Queue::deduplication_key(std::string_view group, std::string_view id) const {
    const bool per_group = policy_.deduplication_scope == DeduplicationScope::message_group;
    return Deduplication::key(per_group ? group : std::string_view(), id);
}

Sequence Queue::throttled_as(std::string_view unique_key) const {
    const auto* throttle = unique_.find_throttle(unique_key);
    return throttle == nullptr ? 0 : throttle->first.sequence;
}

std::vector<StoredDeduplication> Queue::stored_deduplication() const {
    std::vector<StoredDeduplication> all = deduplication_.stored();
    unique_.append_to(all);
    return all;
}

Sequence Queue::deduplicated_as(std::string_view key) const {
    const auto* entry = deduplication_.find(key);
    return entry == nullptr ? 0 : entry->sequence;
}

std::optional<Stored> Queue::stored(std::uint32_t slot, Sequence sequence) const {
    const Message* message = slab_.find(slot, sequence);
    if (message == nullptr) return std::nullopt;
    Stored stored{
        .payload = message->payload,
        .group = std::string(group_key(*message)),
        .slot = slot,
        .sequence = sequence,
        .sent_at = message->sent_at,
        .delivery = delivery_state_of(*message),
        .source_queue = message->source_queue,
        .moved_in = message->moved_in,
        .traits = traits_of(slot)};
    if (message->has_extras) {
        const Extras& extras = extras_.at(slot);
        stored.note = extras.note;
        if (has_unique_key(extras.traits)) stored.unique_since = extras.unique_since;
    }
    if (message->moved_in) stored.moved_at = moved_times_.at(sequence);
    return stored;
}

std::optional<DeliveryState> Queue::delivery_state(std::uint32_t slot, Sequence sequence) const {
    const Message* message = slab_.find(slot, sequence);
    if (message == nullptr) return std::nullopt;
    return delivery_state_of(*message);
}

DeliveryState Queue::delivery_state_of(const Message& message) const {
    DeliveryState state{
        .deliveries = message.deliveries,
        .receive_count = message.receive_count,
        .received_at = message.received_at,
        .first_received_at = message.first_received_at(),
        .taken_back = message.taken_back,
        .cancel_requested = message.cancel_requested};
    if (message.state == State::in_flight) state.state = DeliveryState::State::in_flight;
    if (message.state == State::delayed) state.state = DeliveryState::State::delayed;
    // A FIFO message that is visible keeps its place by sequence alone.
    const bool timed = state.state != DeliveryState::State::visible;
    if (!fifo() || timed) state.due = message.due();
    return state;
}

bool Queue::move_bytes(std::uint32_t slot, Sequence sequence, std::uint64_t place) {
    Message* message = slab_.find(slot, sequence);
    if (message == nullptr) return false;
    discount_bytes(message->payload);
    message->payload = message->payload.without_bytes(place);
    count_bytes(message->payload);
    return true;
}

std::optional<Payload> Queue::find_payload(std::uint32_t slot, Sequence sequence) const {
    const Message* message = slab_.find(slot, sequence);
    if (message == nullptr) return std::nullopt;
    return message->payload;
}

std::vector<std::pair<std::uint32_t, Sequence>> Queue::restore(
    std::vector<Stored> messages,
    std::vector<StoredDeduplication> deduplication,
    Sequence last_sequence,
    Instant now
) {
    advance(now);
    std::vector<std::pair<Sequence, std::uint32_t>> order(messages.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) {
        order[i] = {messages[i].sequence, i};
        slab_.claim(messages[i].slot, messages[i].sequence);
    }
    slab_.end_claims();
    if (!std::ranges::is_sorted(order)) std::ranges::sort(order);

    last_sequence_ = last_sequence;
    std::vector<std::pair<std::uint32_t, Sequence>> elsewhere;
    std::vector<std::pair<Slot, DeliveryState>> in_line_or_flight;
    std::vector<std::pair<Slot, Instant>> yielding;    // that are visible, since when
    std::vector<std::pair<Slot, Sequence>> cancelled;  // whose lease is over
    for (const auto& [sequence, index] : order) {
        Stored& stored = messages[index];
        last_sequence_ = std::max(last_sequence_, sequence);
        const Slot slot = restore_message(stored);
        if (slot != stored.slot) elsewhere.emplace_back(slot, sequence);
        const bool waits = restore_timer(slot, stored.delivery, now);
        if (stored.delivery.cancel_requested && !waits) cancelled.emplace_back(slot, sequence);
        const bool yields = slab_[slot].has_extras && extras_.at(slot).yields;
        if (yields && !waits) yielding.emplace_back(slot, stored.delivery.due);
        if (fifo()) {
            fifo_.append(slot);
        } else if (slab_[slot].state != State::delayed) {
            in_line_or_flight.emplace_back(slot, stored.delivery);
        }
    }
    for (const auto& [slot, since] : yielding) {
        if (hold_back(slot, since) && fifo()) fifo_.refresh(slab_[slot].group);
    }
    restore_places(in_line_or_flight);
    for (const auto& [slot, sequence] : cancelled)
        end(slot, Ended::Why::cancelled);
    restore_deduplication(std::move(deduplication));
    advance(now);
    return elsewhere;
}

void Queue::restore_deduplication(std::vector<StoredDeduplication> deduplication) {
    const auto when = [](const StoredDeduplication& entry) {
        return std::pair(entry.at, entry.sequence);
    };
    if (!std::ranges::is_sorted(deduplication, {}, when)) {
        std::ranges::sort(deduplication, {}, when);
    }
    for (StoredDeduplication& entry : deduplication) {
        const Deduplication::Entry accepted{
            .id = entry.id, .sequence = entry.sequence, .slot = entry.slot};
        if (entry.unique_for > Duration::zero()) {
            unique_.expire(entry.at);  // of one key, the one before this is over
            unique_.add_throttle(
                std::move(entry.key), {.first = accepted, .at = entry.at, .lasts = entry.unique_for}
            );
        } else {
            deduplication_.insert(std::move(entry.key), accepted, entry.at);
        }
    }
}

Slot Queue::restore_message(Stored& stored) {
    Slot slot = stored.slot;
    if (slab_[slot].sequence != stored.sequence) slot = slab_.allocate();
    Message& message = slab_[slot];
    count_bytes(stored.payload);
    message.payload = std::move(stored.payload);
    message.sequence = stored.sequence;
    message.sent_at = stored.sent_at;
    message.moved_in = stored.moved_in;
    message.source_queue = stored.source_queue;
    const DeliveryState& delivery = stored.delivery;
    message.deliveries = delivery.deliveries;
    message.receive_count = delivery.receive_count;
    message.received_at = delivery.received_at;
    message.taken_back = delivery.taken_back;
    message.cancel_requested = delivery.cancel_requested;
    if (delivery.first_received_at != Instant{}) {
        message.set_first_received_at(delivery.first_received_at);
    }
    const Instant arrived = stored.moved_in ? stored.moved_at : stored.sent_at;
    if (!stored.group.empty() || fifo()) {
        message.group = groups_.find_or_create(stored.group);
        Group& group = groups_[message.group];
        ++group.messages;
        group.last_sent = std::max(group.last_sent, arrived);
    }
    (stored.moved_in ? moved_ : sent_).push_back(slab_, slot);
    if (stored.moved_in) note_arrival(slot, arrived);
    const bool known = stored.unique_since != Instant{};
    const Instant since = known ? stored.unique_since : stored.sent_at;
    add_extras(slot, stored.traits, std::move(stored.note), since);
    if (index_.built()) index_.add(slab_, slot);
    return slot;
}

/// Whether the message waits for a lease or a delay to end; otherwise it is visible.
bool Queue::restore_timer(Slot slot, const DeliveryState& state, Instant now) {
    Message& message = slab_[slot];
    if (state.state == DeliveryState::State::visible || state.due <= now) {
        message.state = State::visible;
        ++counters_.visible;
        return false;
    }
    if (state.state == DeliveryState::State::delayed) {
        start_timer(slot, State::delayed, std::min(state.due, end_of_time));
        ++counters_.delayed;
        return true;
    }
    start_timer(slot, State::in_flight, std::min(state.due, end_of_time));
    join_flight(slot);
    return true;
}

/// No two messages get the same place. What was the place of one in flight is not known any more;
/// its time of sending is about right.
void Queue::restore_places(const std::vector<std::pair<Slot, DeliveryState>>& in_line_or_flight) {
    enum class Kind : std::uint8_t { timer_ended, in_line, in_flight };  // who goes first
    struct Place {
        Instant since{};
        Kind kind{};
        Sequence sequence = 0;
        Slot slot = 0;
    };
    std::vector<Place> places;
    places.reserve(in_line_or_flight.size());
    for (const auto& [slot, state] : in_line_or_flight) {
        const Message& message = slab_[slot];
        if (message.state == State::held) continue;
        const bool flies = message.state == State::in_flight;
        const bool in_line = state.state == DeliveryState::State::visible;
        places.push_back(
            {.since = flies ? message.sent_at : state.due,
             .kind = flies     ? Kind::in_flight
                     : in_line ? Kind::in_line
                               : Kind::timer_ended,
             .sequence = message.sequence,
             .slot = slot}
        );
    }
    std::ranges::sort(places, {}, [](const Place& place) {
        return std::tuple(place.since, place.kind, place.sequence);
    });
    std::int64_t last = std::numeric_limits<std::int64_t>::min();
    for (const Place& place : places) {
        last = std::max(last + 1, std::min(place.since, end_of_time).time_since_epoch().count());
        if (place.kind == Kind::in_flight) {
            slab_[place.slot].keep_old_place(last);
            standard_.claim(last);
        } else {
            standard_.restore(place.slot, last);
        }
    }
}

}  // namespace tranter::engine
