#include "broker/broker_impl.hpp"

#include <ranges>
#include <utility>

namespace tranter::broker {
namespace {

std::unexpected<Error> gone(const Queue::State& state) {
    return fail(Errc::not_found, "queue " + state.name + " does not exist any more");
}

}  // namespace

Broker::SendResult Broker::send(const QueueHandle& queue, const SendRequest& request) {
    Queue::State& state = queue->state();
    Aftermath aftermath;
    SendResult result{.sent = engine::Sent{}};
    {
        const std::lock_guard lock(state.mutex);
        if (state.deleted) return {.sent = gone(state)};
        const Instant now = impl_->clock.now();
        result.sent = state.engine.send(request.payload, request.options, now);
        if (!result.sent || result.sent->duplicate) return result;
        result.position = impl_->journal.append(record::MessageSent{
            .queue = state.id,
            .slot = result.sent->slot,
            .sequence = result.sent->sequence,
            .payload = &request.payload,
            .group = request.options.group,
            .delay = request.options.delay,
            .at = now});
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
    return result;
}

Broker::WaitId Broker::receive(
    const QueueHandle& queue, const engine::ReceiveOptions& options, bool wait, Receiver receiver
) {
    Queue::State& state = queue->state();
    Aftermath aftermath;
    engine::Received received;
    WaitId id = 0;
    {
        const std::lock_guard lock(state.mutex);
        const Instant now = impl_->clock.now();
        if (!state.deleted) {
            // Who waits already goes first when something became visible since the last look.
            impl_->serve_waiters(state, now, aftermath);
            received = state.engine.receive(impl_->with_dead_letters(state, options), now);
            impl_->note_received(state, received, aftermath);
        }
        const bool waits = received.deliveries.empty() && wait && !state.deleted &&
                           !impl_->stopping.load(std::memory_order_relaxed);
        if (waits && state.waiters.size() < impl_->options.waiters_per_queue) {
            id = ++impl_->last_wait;
            Waiter waiter{
                .options = options,
                .attempt_id = std::string(options.attempt_id),
                .receiver = std::move(receiver)};
            waiter.options.attempt_id = {};
            state.waiters.emplace(id, std::move(waiter));
            ++impl_->waiting;
        } else if (waits) {
            received.over_limit = true;
        }
        if (id == 0 && received.deliveries.empty()) ++state.empty_receives;
        impl_->plan(queue, now, aftermath);
    }
    // Moved from only when it waits, and then id is not 0.
    if (id == 0) receiver(std::move(received));  // NOLINT(bugprone-use-after-move)
    impl_->finish(queue, std::move(aftermath));
    if (id != 0 && impl_->stopping.load()) {
        // stop() may have passed this queue before the wait was in line.
        cancel_wait(queue, id);
        return 0;
    }
    return id;
}

void Broker::cancel_wait(const QueueHandle& queue, WaitId id) {
    Queue::State& state = queue->state();
    Receiver receiver;
    {
        const std::lock_guard lock(state.mutex);
        const auto found = state.waiters.find(id);
        if (found == state.waiters.end()) return;
        receiver = std::move(found->second.receiver);
        state.waiters.erase(found);
        ++state.empty_receives;
        --impl_->waiting;
    }
    receiver({});
}

void Broker::take_back(const QueueHandle& queue, const std::vector<engine::Receipt>& receipts) {
    Queue::State& state = queue->state();
    Aftermath aftermath;
    {
        const std::lock_guard lock(state.mutex);
        const Instant now = impl_->clock.now();
        // Backwards, because each goes before all others.
        for (const engine::Receipt& receipt : receipts | std::views::reverse) {
            state.engine.take_back(receipt, now);
            impl_->journal.append(record::LeaseChanged{
                .queue = state.id,
                .slot = receipt.slot,
                .sequence = receipt.sequence,
                .receive_count = receipt.delivery - 1,
                .visible_at = now});
        }
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
}

Broker::ChangeResult Broker::acknowledge(const QueueHandle& queue, const engine::Receipt& receipt) {
    Queue::State& state = queue->state();
    Aftermath aftermath;
    ChangeResult result{.done = false};
    {
        const std::lock_guard lock(state.mutex);
        if (state.deleted) return {.done = gone(state)};
        const Instant now = impl_->clock.now();
        result.done = state.engine.acknowledge(receipt, now);
        if (!result.done || !*result.done) return result;
        result.position = impl_->journal.append(record::MessageDeleted{
            .queue = state.id, .slot = receipt.slot, .sequence = receipt.sequence});
        // A FIFO group or a limit may have opened.
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
    return result;
}

Broker::ChangeResult Broker::change_visibility(
    const QueueHandle& queue, const engine::Receipt& receipt, Duration timeout
) {
    Queue::State& state = queue->state();
    Aftermath aftermath;
    ChangeResult result{.done = true};
    {
        const std::lock_guard lock(state.mutex);
        if (state.deleted) return {.done = gone(state)};
        const Instant now = impl_->clock.now();
        const auto changed = state.engine.change_visibility(receipt, timeout, now);
        if (!changed) return {.done = std::unexpected(changed.error())};
        result.position = impl_->journal.append(record::LeaseChanged{
            .queue = state.id,
            .slot = receipt.slot,
            .sequence = receipt.sequence,
            .receive_count = receipt.delivery,
            .visible_at = now + timeout});
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
    return result;
}

}  // namespace tranter::broker
