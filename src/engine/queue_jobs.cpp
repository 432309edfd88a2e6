#include "engine/queue.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace tranter::engine {

/// The message that this receipt still holds.
Result<Slot> Queue::held_by(const Receipt& receipt) const {
    const Message* message = slab_.find(receipt.slot, receipt.sequence);
    if (message == nullptr || receipt.delivery == 0 || receipt.delivery > message->deliveries) {
        return fail(Errc::not_found, "the message does not exist");
    }
    if (message->state != State::in_flight || message->deliveries != receipt.delivery) {
        return fail(Errc::conflict, "the delivery is over");
    }
    return receipt.slot;
}

Result<MessageView> Queue::settle(const Settle& settle, Instant now, Transfer* taken) {
    advance(now);
    const auto held = held_by(settle.receipt);
    if (!held) return std::unexpected(held.error());
    MessageView before = view_of(*held);
    if (settle.kind == Settle::Kind::put_back) {
        put_back(settle, now);
        return before;
    }
    if (!fifo()) {
        const Message& message = slab_[*held];
        standard_.processed(message.group, now - message.received_at, now);
    }
    if (settle.kind == Settle::Kind::complete) {
        remove(*held);
        ++counters_.deleted;
    } else {
        Transfer dead = extract_dead(*held);
        if (taken != nullptr) *taken = std::move(dead);
    }
    return before;
}

void Queue::put_back(const Settle& settle, Instant now) {
    const Slot slot = settle.receipt.slot;
    if (const auto why = ends_on_return(slot, now)) return end(slot, *why);
    Message& message = slab_[slot];
    // Not twice, should an SQS client have hidden it again in between.
    if (!settle.counts && !message.taken_back) {
        message.taken_back = true;
        if (--message.receive_count == 0) message.first_receive = Message::never;
    }
    wheel_.remove(slab_, slot);
    const std::int64_t place = message.old_place();
    leave_flight(slot);
    if (settle.delay > Duration::zero()) {
        start_timer(slot, State::delayed, later(now, settle.delay));
        ++counters_.delayed;
    } else {
        message.state = State::visible;
        ++counters_.visible;
        const bool held = hold_back(slot, now);
        if (!fifo() && !held) standard_.put_back(slot, place);
    }
    if (fifo()) fifo_.refresh(message.group);
    let_go(now);
}

/// What must become of a message in flight instead of being available again.
std::optional<Ended::Why> Queue::ends_on_return(Slot slot, Instant now) const {
    if (slab_[slot].cancel_requested) return Ended::Why::cancelled;
    const Instant deadline = deadline_of(slot);
    if (deadline != Instant{} && deadline <= now) return Ended::Why::expired;
    return std::nullopt;
}

void Queue::end(Slot slot, Ended::Why why) {
    ended_.push_back({.message = view_of(slot), .why = why});
    remove(slot);
    ++(why == Ended::Why::expired ? counters_.expired : counters_.deleted);
}

Result<bool> Queue::extend(const Receipt& receipt, Duration lease, Instant now) {
    advance(now);
    const auto held = held_by(receipt);
    if (!held) return std::unexpected(held.error());
    wheel_.remove(slab_, *held);
    start_timer(*held, State::in_flight, later(now, std::max(lease, Duration::zero())));
    return static_cast<bool>(slab_[*held].cancel_requested);
}

Result<void> Queue::set_note(const Receipt& receipt, std::string note, Instant now) {
    advance(now);
    const auto held = held_by(receipt);
    if (!held) return std::unexpected(held.error());
    Message& message = slab_[*held];
    if (!message.has_extras) {
        add_extras(*held, traits_of(*held), std::move(note), message.sent_at);
        return {};
    }
    std::string& old = extras_[*held].note;
    counters_.bytes += note.size() - old.size();
    counters_.bytes_in_memory += note.size() - old.size();
    old = std::move(note);
    return {};
}

std::optional<MessageView> Queue::find(const MessageId& id, Instant now) {
    advance(now);
    const Slot slot = find_slot(id);
    if (slot == no_slot) return std::nullopt;
    return view_of(slot);
}

Result<CancelResult> Queue::cancel(const MessageId& id, Instant now) {
    advance(now);
    const Slot slot = find_slot(id);
    if (slot == no_slot) return fail(Errc::not_found, "the message does not exist");
    if (slab_[slot].state == State::in_flight) {
        slab_[slot].cancel_requested = true;
        return CancelResult::requested;
    }
    remove(slot);
    ++counters_.deleted;
    return CancelResult::removed;
}

Result<void> Queue::promote(const MessageId& id, Instant now) {
    advance(now);
    const Slot slot = find_slot(id);
    if (slot == no_slot) return fail(Errc::not_found, "the message does not exist");
    if (slab_[slot].state != State::delayed) {
        return fail(Errc::conflict, "the message is not delayed");
    }
    wheel_.remove(slab_, slot);
    make_visible(slot, now);
    return {};
}

Result<Transfer> Queue::take_out(const MessageId& id, Instant now) {
    advance(now);
    const Slot slot = find_slot(id);
    if (slot == no_slot) return fail(Errc::not_found, "the message does not exist");
    if (slab_[slot].state == State::in_flight) {
        return fail(Errc::conflict, "the message is in flight");
    }
    return extract(slot);
}

std::vector<Ended> Queue::take_ended() {
    return std::exchange(ended_, {});
}

}  // namespace tranter::engine
