#include "base/uuid.hpp"
#include "broker/broker_impl.hpp"

#include <algorithm>
#include <utility>

namespace tranter::broker {

using engine::MessageView;
using engine::Settle;

Broker::SettleResult Broker::settle(const QueueHandle& queue, std::span<const Settle> settlements) {
    SettleResult result;
    result.settled.reserve(settlements.size());
    if (auto admitted = impl_->admit(false); !admitted) {
        result.settled.assign(settlements.size(), std::unexpected(admitted.error()));
        return result;
    }
    Queue::State& state = queue->state();
    Aftermath aftermath;
    Transfers::Token bodies_wanted;
    {
        const QueueLock lock(state);
        if (state.deleted) {
            result.settled.assign(settlements.size(), gone(state));
            return result;
        }
        const Instant now = impl_->clock.now();
        for (const Settle& settle : settlements) {
            engine::Transfer taken;
            auto settled = state.engine.settle(settle, now, &taken);
            if (settled) {
                if (!bodies_wanted) bodies_wanted = impl_->hold_record(settled->payload);
                const Position at = impl_->note_settled(state, settle, std::move(taken), aftermath);
                result.position = std::max(result.position, at);
            }
            result.settled.push_back(std::move(settled));
        }
        result.position = std::max(result.position, impl_->note_ended(state, aftermath));
        // Places in the queue, a group or a limit may have opened.
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    for (Result<MessageView>& settled : result.settled) {
        if (settled) impl_->try_bring_back(settled->payload);
    }
    bodies_wanted = {};
    result.position = std::max(result.position, impl_->finish(queue, std::move(aftermath)));
    return result;
}

Position Broker::Impl::note_settled(
    Queue::State& state, const Settle& settle, engine::Transfer taken, Aftermath& aftermath
) {
    const engine::Receipt& receipt = settle.receipt;
    switch (settle.kind) {
        case Settle::Kind::put_back:
            return note_lease(state, receipt);
        case Settle::Kind::take_out:
            note_dead_letter(state, aftermath, {.message = std::move(taken), .settled = true});
            return 0;
        case Settle::Kind::complete:
            break;
    }
    return note_deleted(state, receipt.slot, receipt.sequence);
}

Broker::ExtendResult Broker::extend(
    const QueueHandle& queue, std::span<const engine::Receipt> receipts, Duration lease
) {
    ExtendResult result;
    result.cancel_requested.reserve(receipts.size());
    if (auto admitted = impl_->admit(false); !admitted) {
        result.cancel_requested.assign(receipts.size(), std::unexpected(admitted.error()));
        return result;
    }
    Queue::State& state = queue->state();
    Aftermath aftermath;
    {
        const QueueLock lock(state);
        if (state.deleted) {
            result.cancel_requested.assign(receipts.size(), gone(state));
            return result;
        }
        const Instant now = impl_->clock.now();
        for (const engine::Receipt& receipt : receipts) {
            auto extended = state.engine.extend(receipt, lease, now);
            if (extended) result.position = impl_->note_lease(state, receipt);
            result.cancel_requested.push_back(std::move(extended));
        }
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
    return result;
}

Result<Position> Broker::set_note(
    const QueueHandle& queue, const engine::Receipt& receipt, std::string note
) {
    if (auto admitted = impl_->admit(true); !admitted) return std::unexpected(admitted.error());
    if (note.size() > note_bytes_max) {
        return fail(
            Errc::limit_exceeded,
            "the note has " + std::to_string(note.size()) + " bytes, limit is " +
                std::to_string(note_bytes_max)
        );
    }
    Queue::State& state = queue->state();
    Aftermath aftermath;
    Position position = 0;
    {
        const QueueLock lock(state);
        if (state.deleted) return gone(state);
        const Instant now = impl_->clock.now();
        if (auto fits = impl_->check_quotas(state, note.size(), now); !fits) {
            return std::unexpected(fits.error());
        }
        const std::string written = note;
        const auto noted = state.engine.set_note(receipt, std::move(note), now);
        if (!noted) return std::unexpected(noted.error());
        position = impl_->journal.append(record::MessageNoted{
            .queue = state.id, .slot = receipt.slot, .sequence = receipt.sequence, .note = written}
        );
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
    return position;
}

std::optional<MessageView> Broker::find(const QueueHandle& queue, const engine::MessageId& id)
    const {
    Queue::State& state = queue->state();
    std::optional<MessageView> found;
    Transfers::Token body_wanted;
    {
        const QueueLock lock(state);
        found = state.engine.find(id, impl_->clock.now());
        if (found) body_wanted = impl_->hold_record(found->payload);
    }
    if (found) impl_->try_bring_back(found->payload);
    return found;
}

std::vector<MessageView> Broker::list(
    const QueueHandle& queue, std::uint32_t slot, engine::Sequence after, std::size_t max
) const {
    Queue::State& state = queue->state();
    std::vector<MessageView> views;
    Transfers::Token bodies_wanted;
    {
        const QueueLock lock(state);
        state.engine.advance(impl_->clock.now());
        views = state.engine.list(slot, after, max);
        for (const MessageView& view : views) {
            if (!bodies_wanted) bodies_wanted = impl_->hold_record(view.payload);
        }
    }
    for (MessageView& view : views)
        impl_->try_bring_back(view.payload);
    return views;
}

Broker::CancelOutcome Broker::cancel(const QueueHandle& queue, const engine::MessageId& id) {
    if (auto admitted = impl_->admit(false); !admitted) {
        return {.done = std::unexpected(admitted.error())};
    }
    Queue::State& state = queue->state();
    Aftermath aftermath;
    Transfers::Token body_wanted;
    CancelOutcome outcome{.done = engine::CancelResult::removed};
    {
        const QueueLock lock(state);
        if (state.deleted) return {.done = gone(state)};
        const Instant now = impl_->clock.now();
        outcome.message = state.engine.find(id, now);
        outcome.done = state.engine.cancel(id, now);
        if (!outcome.done || !outcome.message) return outcome;
        const MessageView& message = *outcome.message;
        body_wanted = impl_->hold_record(message.payload);
        if (*outcome.done == engine::CancelResult::removed) {
            outcome.position = impl_->note_deleted(state, message.slot, message.sequence);
        } else {
            outcome.position =
                impl_->note_lease(state, {.slot = message.slot, .sequence = message.sequence});
        }
        // A FIFO group may have opened.
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->try_bring_back(outcome.message->payload);
    body_wanted = {};
    impl_->finish(queue, std::move(aftermath));
    return outcome;
}

Result<Position> Broker::promote(const QueueHandle& queue, const engine::MessageId& id) {
    if (auto admitted = impl_->admit(false); !admitted) return std::unexpected(admitted.error());
    Queue::State& state = queue->state();
    Aftermath aftermath;
    Position position = 0;
    {
        const QueueLock lock(state);
        if (state.deleted) return gone(state);
        const Instant now = impl_->clock.now();
        const auto promoted = state.engine.promote(id, now);
        if (!promoted) return std::unexpected(promoted.error());
        if (const auto message = state.engine.find(id, now)) {
            position =
                impl_->note_lease(state, {.slot = message->slot, .sequence = message->sequence});
        }
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
    return position;
}

Result<Position> Broker::move(
    const QueueHandle& from, const engine::MessageId& id, const QueueHandle& to
) {
    if (auto admitted = impl_->admit(true); !admitted) return std::unexpected(admitted.error());
    Queue::State& state = from->state();
    Aftermath aftermath;
    Transfers::Token under_way;
    engine::Transfer message;
    {
        const QueueLock lock(state);
        if (state.deleted) return gone(state);
        const Instant now = impl_->clock.now();
        auto taken = state.engine.take_out(id, now);
        if (!taken) return std::unexpected(taken.error());
        message = std::move(*taken);
        under_way = impl_->transfers.begin();
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(from, now, aftermath);
    }
    Result<Position> moved = impl_->put_elsewhere(from, std::move(message), to);
    under_way = {};
    impl_->finish(from, std::move(aftermath));
    return moved;
}

Result<Position> Broker::Impl::put_elsewhere(
    const QueueHandle& from, engine::Transfer message, const QueueHandle& to
) {
    if (!bring_back(message.payload)) return fail(Errc::unavailable, journal.trouble());
    const engine::Transfer original = message;
    const engine::MessageId id = message.payload.id();
    if (to->fifo()) message.payload = message.payload.with_identity(id, format_uuid(id));
    message.receive_count = 0;
    message.first_received_at = {};
    message.source_queue = 0;
    if (const auto moved = deliver_transfer(from->id(), to, message)) return *moved;
    std::vector<Unfinished> later;
    give_back(from, original, later);
    for (Unfinished& one : later)
        finish(one.queue, std::move(one.aftermath));
    return gone(to->state());
}

void Broker::on_ended(std::function<void(const QueueHandle&, std::vector<Ending>)> hook) {
    impl_->on_ended = std::move(hook);
}

}  // namespace tranter::broker
