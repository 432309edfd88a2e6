#include "base/uuid.hpp"
#include "broker/broker_impl.hpp"

#include <algorithm>
#include <utility>

namespace tranter::broker {
namespace {

/// Nobody waits: a look a second is enough to drop what has expired and keep the figures fresh.
constexpr Duration idle_look = std::chrono::seconds(1);

}  // namespace

Result<> Broker::Impl::admit(bool grows) const {
    const Accepts accepts = journal.accepts();
    if (accepts == Accepts::everything) return {};
    if (accepts == Accepts::no_growth && !grows) return {};
    return fail(Errc::unavailable, journal.trouble());
}

Result<> Broker::Impl::check_quotas(Queue::State& state, const SendRequest& request, Instant now)
    const {
    if (auto fits = check_memory(); !fits) return fits;
    const std::uint64_t queue_max = state.settings->bytes_max;
    if (queue_max == 0 && options.bytes_max == 0) return {};
    const std::uint64_t size = request.payload.size();
    const auto queue_would = [&] {
        return state.engine.bytes() + size;
    };
    const auto store_would = [&] {
        return totals->bytes.load(std::memory_order_relaxed) + size;
    };
    const auto fits = [&] {
        return (queue_max == 0 || queue_would() <= queue_max) &&
               (options.bytes_max == 0 || store_would() <= options.bytes_max);
    };
    if (fits()) return {};
    state.engine.advance(now);
    state.count_bytes();
    const std::string key =
        state.engine.deduplication_key(request.options.group, request.payload.deduplication_id());
    const bool duplicate = state.fifo && state.engine.deduplicated_as(key) != 0;
    if (fits() || duplicate) return {};
    const bool queue_full = queue_max != 0 && queue_would() > queue_max;
    return fail(
        Errc::limit_exceeded,
        "with this message of " + std::to_string(size) + " bytes " +
            (queue_full ? "queue " + state.name : std::string("the queues together")) +
            " would hold " + std::to_string(queue_full ? queue_would() : store_would()) +
            " bytes, limit is " + std::to_string(queue_full ? queue_max : options.bytes_max)
    );
}

void Broker::Impl::serve_waiters(Queue::State& state, Instant now, Aftermath& aftermath) {
    // Hand-outs that cannot be recorded must not happen; who waits is answered empty in the end.
    if (state.waiters.empty() || !admit(false)) return;
    while (!state.waiters.empty()) {
        const auto first = state.waiters.begin();
        const auto wanted = with_dead_letters(state, first->second.receive_options());
        engine::Received received = state.engine.receive(wanted, now);
        const Position position = note_received(state, received, aftermath);
        if (received.deliveries.empty()) return;
        aftermath.answers.push_back(
            {.receiver = std::move(first->second.receiver),
             .received = std::move(received),
             .position = position}
        );
        state.waiters.erase(first);
        --waiting;
    }
}

Position Broker::Impl::note_received(
    Queue::State& state, engine::Received& received, Aftermath& aftermath
) {
    Position position = 0;
    for (const engine::Delivery& delivery : received.deliveries)
        position = note_lease(state, delivery.receipt);
    if (received.dead.empty()) return position;
    if (!aftermath.dead_on_their_way) aftermath.dead_on_their_way = transfers.begin();
    aftermath.dead_letter_queue = state.settings->dead_letter_queue;
    for (engine::Transfer& dead : received.dead) {
        dead.source_queue = state.id;
        aftermath.dead.push_back(std::move(dead));
    }
    received.dead.clear();
    return position;
}

Position Broker::Impl::note_lease(Queue::State& state, const engine::Receipt& receipt) {
    const auto now_is = state.engine.delivery_state(receipt.slot, receipt.sequence);
    if (!now_is) return 0;
    return journal.append(record::LeaseChanged{
        .queue = state.id, .slot = receipt.slot, .sequence = receipt.sequence, .state = *now_is});
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
    if (!aftermath.dead.empty()) move_dead_letters(queue, aftermath);
    for (Aftermath::Answer& answer : aftermath.answers) {
        hand_over(queue, std::move(answer.receiver), std::move(answer.received), answer.position);
    }
    if (aftermath.earlier_event) earlier_event();
}

void Broker::Impl::hand_over(
    const QueueHandle& queue, Receiver receiver, engine::Received received, Position position
) {
    if (position == 0 || journal.is_written(position)) {
        bring_back(queue->state(), received.deliveries);
        return receiver(std::move(received));
    }
    journal.when_written(
        position,
        [this, queue, receiver = std::move(receiver), received = std::move(received)](bool written
        ) mutable {
            if (written) {
                bring_back(queue->state(), received.deliveries);
            } else {
                received = {};
                received.unavailable = true;
            }
            receiver(std::move(received));
        }
    );
}

void Broker::Impl::move_dead_letters(const QueueHandle& queue, Aftermath& aftermath) {
    const Transfers::Token under_way = std::move(aftermath.dead_on_their_way);
    QueueHandle target;
    {
        const std::shared_lock lock(registry_mutex);
        const auto found = by_name.find(aftermath.dead_letter_queue);
        if (found != by_name.end()) target = found->second;
    }
    for (engine::Transfer& dead : aftermath.dead) {
        if (!bring_back(dead.payload)) continue;
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
        const QueueLock lock(state);
        const Instant now = clock.now();
        if (state.deleted) return false;
        const engine::Sent place = state.engine.move_in(message, now);
        const Position position = journal.append(record::MessageMoved{
            .from = from,
            .from_slot = message.source_slot,
            .from_sequence = message.source_sequence,
            .to = state.id,
            .to_slot = place.slot,
            .to_sequence = place.sequence,
            .message = &message,
            .at = now});
        leave_on_disk(state, place, position);
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
