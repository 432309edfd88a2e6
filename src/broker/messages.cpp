#include "broker/broker_impl.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace tranter::broker {

Broker::WaitId Broker::receive(
    const QueueHandle& queue, const engine::ReceiveOptions& options, bool wait, Receiver receiver
) {
    Queue::State& state = queue->state();
    Aftermath aftermath;
    engine::Received received;
    Position position = 0;
    WaitId id = 0;
    if (!impl_->admit(false)) {
        received.unavailable = true;
        receiver(std::move(received));
        return 0;
    }
    {
        const QueueLock lock(state);
        const Instant now = impl_->clock.now();
        if (!state.deleted) {
            // Who waits already goes first when something became visible since the last look.
            impl_->serve_waiters(state, now, aftermath);
            received = impl_->receive(state, options, now, aftermath);
            position = impl_->note_received(state, received, aftermath);
        }
        // There may be something behind the dead letters that are left.
        const bool short_poll = !wait && received.dead_left;
        const bool waits = received.deliveries.empty() && (wait || short_poll) && !state.deleted &&
                           !impl_->stopping.load(std::memory_order_relaxed);
        const bool has_room = state.waiters.size() < impl_->options.waiters_per_queue;
        if (waits && (has_room || short_poll)) {
            id = ++impl_->last_wait;
            Waiter waiter{
                .options = options,
                .attempt_id = std::string(options.attempt_id),
                .receiver = std::move(receiver),
                .short_poll = short_poll};
            waiter.options.attempt_id = {};
            state.waiters.emplace(id, std::move(waiter));
            ++impl_->waiting;
        } else if (waits) {
            received.over_limit = true;
        }
        if (id == 0 && received.deliveries.empty()) ++state.empty_receives;
        impl_->plan(queue, now, aftermath);
    }
    if (id == 0) {
        // Moved from only when it waits, and then id is not 0.
        // NOLINTNEXTLINE(bugprone-use-after-move)
        impl_->hand_over(queue, std::move(receiver), std::move(received), position);
    }
    impl_->finish(queue, std::move(aftermath));
    if (id != 0 && impl_->stopping.load()) {
        // stop() may have passed this queue before the wait was in line.
        cancel_wait(queue, id);
        return 0;
    }
    if (id == 0 || wait || impl_->on_earlier_event) return id;
    // Time is moved by hand, and whoever moves it may be the one who asks.
    while (impl_->is_in_line(queue, id))
        impl_->run_due(queue);
    return 0;
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
    if (!impl_->admit(false)) return;
    Queue::State& state = queue->state();
    Aftermath aftermath;
    {
        const QueueLock lock(state);
        const Instant now = impl_->clock.now();
        // Backwards, because each goes before all others.
        for (const engine::Receipt& receipt : receipts | std::views::reverse) {
            state.engine.take_back(receipt, now);
            impl_->note_lease(state, receipt);
        }
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
}

Broker::ChangeResult Broker::acknowledge(const QueueHandle& queue, const engine::Receipt& receipt) {
    if (auto admitted = impl_->admit(false); !admitted) {
        return {.done = std::unexpected(admitted.error())};
    }
    Queue::State& state = queue->state();
    Aftermath aftermath;
    ChangeResult result{.done = false};
    {
        const QueueLock lock(state);
        if (state.deleted) return {.done = gone(state)};
        const Instant now = impl_->clock.now();
        result.done = state.engine.acknowledge(receipt, now);
        if (!result.done) return result;
        if (!*result.done) {
            // Who deletes again is told so only when the first delete is as safe.
            result.position = impl_->journal.end();
            return result;
        }
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
    if (auto admitted = impl_->admit(false); !admitted) {
        return {.done = std::unexpected(admitted.error())};
    }
    Queue::State& state = queue->state();
    Aftermath aftermath;
    ChangeResult result{.done = true};
    {
        const QueueLock lock(state);
        if (state.deleted) return {.done = gone(state)};
        const Instant now = impl_->clock.now();
        const auto changed = state.engine.change_visibility(receipt, timeout, now);
        if (!changed) return {.done = std::unexpected(changed.error())};
        const Position changed_at = impl_->note_lease(state, receipt);
        // It may have ended instead.
        result.position = std::max(changed_at, impl_->note_ended(state, aftermath));
        impl_->serve_waiters(state, now, aftermath);
        impl_->plan(queue, now, aftermath);
    }
    impl_->finish(queue, std::move(aftermath));
    return result;
}

}  // namespace tranter::broker
