#include "engine/queue.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace tranter::engine {
namespace {

/// A message may be hidden for this long after a hand-out at most (SQS_SPEC 7.5).
constexpr Duration lease_max = std::chrono::hours(12);

}  // namespace

Received Queue::receive(const ReceiveOptions& options, Instant now) {
    advance(now);
    Received received;
    if (policy_.paused) {
        ++counters_.empty_receives;
        return received;
    }
    const bool attempt = fifo() && !options.attempt_id.empty();
    if (attempt && repeat_attempt(options, now, received)) return received;
    received.over_limit = full();
    if (fifo()) {
        receive_fifo(options, now, received);
    } else {
        receive_standard(options, now, received);
    }
    if (received.deliveries.empty()) {
        ++counters_.empty_receives;
        return received;
    }
    received.over_limit = false;
    if (attempt) {
        std::vector<ReceiveAttempts::Handed> handed;
        for (const Delivery& delivery : received.deliveries) {
            handed.push_back({.receipt = delivery.receipt, .visible_at = delivery.visible_at});
        }
        attempts_.remember(options.attempt_id, std::move(handed), now);
    }
    return received;
}

void Queue::receive_standard(const ReceiveOptions& options, Instant now, Received& received) {
    const Duration timeout = options.visibility_timeout.value_or(policy_.visibility_timeout);
    received.deliveries.reserve(std::min<std::size_t>(options.max_messages, counters_.visible));
    // Delivered without a lease: back in line only when the call is over, or it would get them all
    // again.
    std::vector<Slot> still_visible;
    while (received.deliveries.size() < options.max_messages && !full()) {
        const Slot slot = standard_.next(counters_.in_flight, now);
        if (slot == no_slot) break;
        const Message& message = slab_[slot];
        if (exhausted(slot, message, options)) {
            if (!take_dead(slot, options, received)) break;
            continue;
        }
        received.alive_left = options.only_dead_until != 0;
        if (received.alive_left) break;
        const Slot group = message.group;
        standard_.remove(slot);
        hand_out(slot, timeout, now, received);
        if (message.state == State::visible) still_visible.push_back(slot);
        standard_.in_flight_changed(group);
        standard_.took_turn(group);
    }
    for (const Slot slot : still_visible)
        standard_.push_back(slot, now);
}

void Queue::receive_fifo(const ReceiveOptions& options, Instant now, Received& received) {
    for (std::size_t turns = fifo_.size(); turns > 0; --turns) {
        if (received.deliveries.size() >= options.max_messages || full()) break;
        if (fifo_.size() == 0) break;  // what was handed out holds the others back
        if (received.dead_left) break;
        receive_from_group(fifo_.front(), options, now, received);
    }
}

void Queue::receive_from_group(
    Slot group, const ReceiveOptions& options, Instant now, Received& received
) {
    const Duration timeout = options.visibility_timeout.value_or(policy_.visibility_timeout);
    const std::uint32_t limit = policy_.groups.max_in_flight_per_group;
    std::uint32_t handed_out = 0;
    Slot slot = groups_[group].line.head();
    while (slot != no_slot && slab_[slot].state == State::visible) {
        if (received.deliveries.size() >= options.max_messages || full()) break;
        if (limit > 0 && std::max(groups_[group].in_flight, handed_out) >= limit) break;
        const Slot next = Line::next(slab_, slot);
        if (exhausted(slot, slab_[slot], options)) {
            if (!take_dead(slot, options, received)) break;
            if (next == no_slot && groups_.find(received.dead.back().group) != group) return;
        } else if (options.only_dead_until != 0) {
            received.alive_left = true;
            break;
        } else {
            hand_out(slot, timeout, now, received);
            ++handed_out;
        }
        slot = next;
    }
    fifo_.took_turn(group);
}

bool Queue::repeat_attempt(const ReceiveOptions& options, Instant now, Received& received) {
    auto* handed = attempts_.find(options.attempt_id);
    if (handed == nullptr) return false;
    for (const auto& one : *handed) {
        const Message* message = slab_.find(one.receipt.slot, one.receipt.sequence);
        const bool untouched = message != nullptr && message->state == State::in_flight &&
                               message->deliveries == one.receipt.delivery &&
                               message->due() == one.visible_at;
        if (!untouched) return false;
    }
    const Duration timeout = options.visibility_timeout.value_or(policy_.visibility_timeout);
    for (auto& one : *handed) {
        const Slot slot = one.receipt.slot;
        wheel_.remove(slab_, slot);
        one.visible_at = later(now, timeout);
        start_timer(slot, State::in_flight, one.visible_at);
        add_delivery(slot, one.visible_at, received);
    }
    attempts_.repeat(*handed);
    return true;
}

bool Queue::full() const {
    return policy_.max_in_flight > 0 && counters_.in_flight >= policy_.max_in_flight;
}

bool Queue::exhausted(Slot slot, const Message& message, const ReceiveOptions& options) const {
    if (message.has_extras) {
        const std::uint32_t own = extras_.at(slot).traits.max_receives;
        // A dead letter has used them up; they count again once it went back.
        if (own > 0 && message.source_queue == 0) return message.receive_count >= own;
    }
    return policy_.max_receives > 0 && message.receive_count >= policy_.max_receives &&
           !options.keep_exhausted;
}

/// Whether the exhausted message could be taken out, so that others come next.
bool Queue::take_dead(Slot slot, const ReceiveOptions& options, Received& received) {
    const Sequence until = options.only_dead_until;
    if (until != 0 && slab_[slot].sequence > until) return false;
    received.dead_left = received.dead.size() >= options.dead_max;
    if (!received.dead_left) received.dead.push_back(extract_dead(slot));
    return !received.dead_left;
}

void Queue::hand_out(Slot slot, Duration timeout, Instant now, Received& received) {
    Message& message = slab_[slot];
    if (message.first_receive == Message::never) message.set_first_received_at(now);
    ++message.receive_count;
    ++message.deliveries;
    message.taken_back = false;
    message.received_at = now;
    ++counters_.received;
    const Instant waiting_since = fifo() ? Instant{} : Instant(Duration(message.place()));
    if (timeout > Duration::zero()) {
        --counters_.visible;
        if (!fifo()) message.keep_old_place(message.place());
        start_timer(slot, State::in_flight, later(now, timeout));
        join_flight(slot);
        if (message.has_extras) hold_back_others(slot);
    }
    add_delivery(slot, later(now, timeout), received);
    if (waiting_since > Instant{}) received.deliveries.back().waiting_since = waiting_since;
}

/// Made in its place: a delivery is large.
void Queue::add_delivery(Slot slot, Instant visible_at, Received& received) const {
    const Message& message = slab_[slot];
    Delivery& delivery = received.deliveries.emplace_back();
    delivery.payload = message.payload;
    delivery.receipt = {.slot = slot, .delivery = message.deliveries, .sequence = message.sequence};
    if (message.group != no_slot) delivery.group = groups_[message.group].key;
    delivery.sent_at = message.sent_at;
    delivery.first_received_at = message.first_received_at();
    delivery.visible_at = visible_at;
    delivery.receive_count = message.receive_count;
    delivery.source_queue = message.source_queue;
    if (message.has_extras) delivery.note = extras_.at(slot).note;
}

Result<bool> Queue::acknowledge(const Receipt& receipt, Instant now) {
    advance(now);
    const Message* message = slab_.find(receipt.slot, receipt.sequence);
    if (message == nullptr || receipt.delivery == 0 || receipt.delivery > message->deliveries) {
        return false;
    }
    const bool current =
        message->state == State::in_flight && message->deliveries == receipt.delivery;
    if (fifo() && !current) {
        return fail(Errc::conflict, "the receipt handle has expired");
    }
    if (message->state == State::in_flight && !fifo()) {
        standard_.processed(message->group, now - message->received_at, now);
    }
    remove(receipt.slot);
    ++counters_.deleted;
    return true;
}

Result<void> Queue::change_visibility(const Receipt& receipt, Duration timeout, Instant now) {
    advance(now);
    Message* message = slab_.find(receipt.slot, receipt.sequence);
    if (message == nullptr || receipt.delivery == 0 || receipt.delivery > message->deliveries) {
        return fail(Errc::not_found, "the message does not exist");
    }
    const bool in_flight = message->state == State::in_flight;
    const bool delayed = message->state == State::delayed;  // put back by who had it
    if (message->deliveries != receipt.delivery || delayed || (fifo() && !in_flight)) {
        return fail(Errc::conflict, "the delivery is over");
    }
    if (later(now, timeout) - message->received_at > lease_max) {
        return fail(Errc::invalid_argument, "total visibility timeout is over 43200 seconds");
    }
    if (in_flight) {
        const auto why = ends_on_return(receipt.slot, now);
        if (why && timeout <= Duration::zero()) {
            end(receipt.slot, *why);
            return {};
        }
        wheel_.remove(slab_, receipt.slot);
        if (timeout > Duration::zero()) {
            start_timer(receipt.slot, State::in_flight, now + timeout);
        } else {
            make_visible(receipt.slot, now);
        }
    } else if (timeout > Duration::zero()) {
        hide_again(receipt.slot, now + timeout, now);
    }
    return {};
}

/// Of a standard queue, whose lease has ended.
void Queue::hide_again(Slot slot, Instant until, Instant now) {
    Message& message = slab_[slot];
    if (message.state == State::held) {
        end_hold(slot);
        message.keep_old_place(standard_.place_at_end(now));
    } else {
        standard_.remove(slot);
        message.keep_old_place(message.place());
    }
    --counters_.visible;
    start_timer(slot, State::in_flight, until);
    join_flight(slot);
    standard_.in_flight_changed(message.group);
    if (message.has_extras) hold_back_others(slot);
}

void Queue::take_back(const Receipt& receipt, Instant now) {
    advance(now);
    Message* message = slab_.find(receipt.slot, receipt.sequence);
    if (message == nullptr || message->deliveries != receipt.delivery || receipt.delivery == 0) {
        return;
    }
    if (message->taken_back || attempts_.is_elsewhere(receipt)) return;
    message->taken_back = true;
    if (--message->receive_count == 0) message->first_receive = Message::never;
    ++counters_.taken_back;
    if (message->state != State::in_flight) return;
    if (const auto why = ends_on_return(receipt.slot, now)) return end(receipt.slot, *why);
    wheel_.remove(slab_, receipt.slot);
    leave_flight(receipt.slot);
    message->state = State::visible;
    ++counters_.visible;
    const bool held = hold_back(receipt.slot, now);
    if (fifo()) {
        fifo_.refresh(message->group);
    } else if (!held) {
        standard_.push_front(receipt.slot);
    }
    let_go(now);
}

}  // namespace tranter::engine
