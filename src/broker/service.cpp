#include "base/uuid.hpp"
#include "broker/broker_impl.hpp"

#include <algorithm>
#include <utility>

namespace tranter::broker {
namespace {

/// Nobody waits: a look a second is enough to drop what has expired and keep the figures fresh.
constexpr Duration idle_look = std::chrono::seconds(1);

}  // namespace

void Broker::Impl::serve_waiters(Queue::State& state, Instant now, Aftermath& aftermath) {
    while (!state.waiters.empty()) {
        const auto first = state.waiters.begin();
        const auto wanted = with_dead_letters(state, first->second.receive_options());
        engine::Received received = state.engine.receive(wanted, now);
        note_received(state, received, aftermath);
        if (received.deliveries.empty()) return;
        aftermath.answers.push_back(
            {.receiver = std::move(first->second.receiver), .received = std::move(received)}
        );
        state.waiters.erase(first);
        --waiting;
    }
}

void Broker::Impl::note_received(
    Queue::State& state, engine::Received& received, Aftermath& aftermath
) {
    for (const engine::Delivery& delivery : received.deliveries) {
        journal.append(record::LeaseChanged{
            .queue = state.id,
            .slot = delivery.receipt.slot,
            .sequence = delivery.receipt.sequence,
            .receive_count = delivery.receive_count,
            .visible_at = delivery.visible_at});
    }
    if (received.dead.empty()) return;
    aftermath.dead_letter_queue = state.settings->dead_letter_queue;
    for (engine::Transfer& dead : received.dead) {
        dead.source_queue = state.id;
        aftermath.dead.push_back(std::move(dead));
    }
    received.dead.clear();
}

engine::ReceiveOptions Broker::Impl::with_dead_letters(
    const Queue::State& state, engine::ReceiveOptions receive_options
) const {
    const std::string& target = state.settings->dead_letter_queue;
    if (target.empty()) {
        receive_options.keep_exhausted = true;
    } else if (state.settings->engine.max_receives > 0) {
        const std::shared_lock lock(registry_mutex);
        receive_options.keep_exhausted = !by_name.contains(target);
    }
    return receive_options;
}

void Broker::Impl::plan(const QueueHandle& queue, Instant now, Aftermath& aftermath) {
    Queue::State& state = queue->state();
    const bool idle = state.waiters.empty();
    if (state.next_look.load(std::memory_order_acquire) <= (idle ? now + idle_look : now)) return;
    auto when = state.engine.next_event();
    if (!when) return;
    if (idle) when = std::max(*when, now + idle_look);
    if (events.schedule(queue, *when)) aftermath.earlier_event = true;
}

void Broker::Impl::finish(const QueueHandle& queue, Aftermath aftermath) {
    for (Aftermath::Answer& answer : aftermath.answers) {
        answer.receiver(std::move(answer.received));
    }
    if (aftermath.earlier_event) earlier_event();
    if (aftermath.dead.empty()) return;
    QueueHandle target;
    {
        const std::shared_lock lock(registry_mutex);
        const auto found = by_name.find(aftermath.dead_letter_queue);
        if (found != by_name.end()) target = found->second;
    }
    for (engine::Transfer& dead : aftermath.dead) {
        if (target && target->fifo()) {
            // So that the dead-letter queue never takes it for a duplicate (SQS_SPEC 8.1).
            const engine::MessageId id = dead.payload.id();
            dead.payload = dead.payload.with_identity(id, format_uuid(id));
        }
        if (target && deliver_transfer(queue->id(), target, dead)) continue;
        // Its dead-letter queue was deleted this very moment: the message stays where it was.
        deliver_transfer(queue->id(), queue, dead);
    }
}

bool Broker::Impl::deliver_transfer(
    QueueId from, const QueueHandle& to, const engine::Transfer& message
) {
    Queue::State& state = to->state();
    Aftermath aftermath;
    {
        const std::lock_guard lock(state.mutex);
        const Instant now = clock.now();
        if (state.deleted) return false;
        const engine::Sent place = state.engine.move_in(message, now);
        journal.append(record::MessageMoved{
            .from = from,
            .from_slot = message.source_slot,
            .from_sequence = message.source_sequence,
            .to = state.id,
            .to_slot = place.slot,
            .to_sequence = place.sequence,
            .message = &message,
            .at = now});
        serve_waiters(state, now, aftermath);
        plan(to, now, aftermath);
    }
    finish(to, std::move(aftermath));
    return true;
}

void Broker::Impl::drop_waiters(const QueueHandle& queue) {
    Queue::State& state = queue->state();
    std::map<WaitId, Waiter> waiters;
    {
        const std::lock_guard lock(state.mutex);
        waiters.swap(state.waiters);
        state.empty_receives += waiters.size();
        waiting -= waiters.size();
    }
    for (auto& [id, waiter] : waiters)
        waiter.receiver({});
}

void Broker::Impl::earlier_event() const {
    if (on_earlier_event) on_earlier_event();
}

}  // namespace tranter::broker
