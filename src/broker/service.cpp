#include "base/uuid.hpp"
#include "broker/broker_impl.hpp"

#include <algorithm>
#include <utility>

namespace tranter::broker {
namespace {

/// Nobody waits: a look a second is enough to drop what has expired and keep the figures fresh.
constexpr Duration idle_look = std::chrono::seconds(1);

/// That one request moves at most, as it holds up others meanwhile.
constexpr std::uint32_t dead_letters_max = 100;

engine::MessageView view_of(const engine::Transfer& message) {
    return {
        .payload = message.payload,
        .group = message.group,
        .slot = message.source_slot,
        .sequence = message.source_sequence,
        .sent_at = message.sent_at,
        .receive_count = message.receive_count,
        .priority = message.traits.priority,
        .max_receives = message.traits.max_receives,
        .deadline = message.traits.deadline,
        .note = message.note};
}

}  // namespace

Result<> Broker::Impl::admit(bool grows) const {
    const Accepts accepts = journal.accepts();
    if (accepts == Accepts::everything) return {};
    if (accepts == Accepts::no_growth && !grows) return {};
    return fail(Errc::unavailable, journal.trouble());
}

void Broker::Impl::serve_waiters(Queue::State& state, Instant now, Aftermath& aftermath) {
    // Hand-outs that cannot be recorded must not happen; who waits is answered empty in the end.
    if (state.waiters.empty() || !admit(false)) return;
    while (!state.waiters.empty()) {
        const auto first = state.waiters.begin();
        engine::Received received = receive(state, first->second.receive_options(), now, aftermath);
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

engine::Received Broker::Impl::receive(
    Queue::State& state, engine::ReceiveOptions wanted, Instant now, const Aftermath& aftermath
) {
    wanted = with_dead_letters(state, wanted);
    wanted.dead_max = dead_letters_max - std::min(dead_letters_max, aftermath.dead_letters());
    engine::Received received = state.engine.receive(wanted, now);
    if (received.dead_left) {
        state.hand_on_until = state.engine.last_sequence();
        state.hand_on_changes = state.engine.changes_by_time();
    }
    return received;
}

void Broker::Impl::hand_on(Queue::State& state, Instant now, Aftermath& aftermath) {
    if (admit(false)) {
        engine::ReceiveOptions wanted;
        wanted.only_dead_until = state.hand_on_until;
        engine::Received received = state.engine.receive(with_dead_letters(state, wanted), now);
        note_received(state, received, aftermath);
        if (received.dead_left) return;
        const std::uint64_t changes = state.hand_on_changes;
        const std::size_t answered = aftermath.answers.size();
        state.hand_on_until = 0;
        serve_waiters(state, now, aftermath);
        const bool goes_on = state.hand_on_until != 0;
        // Otherwise it met what was handed on to here meanwhile, and queues that are each other's
        // dead-letter queue would never be done: that waits for somebody who receives.
        const bool is_news = received.alive_left || aftermath.answers.size() > answered ||
                             state.engine.changes_by_time() != changes;
        if (goes_on && is_news) return;
    }
    state.hand_on_until = 0;
    end_short_polls(state, aftermath);
}

void Broker::Impl::end_short_polls(Queue::State& state, Aftermath& aftermath) {
    const bool unavailable = !admit(false);
    for (auto at = state.waiters.begin(); at != state.waiters.end();) {
        if (!at->second.short_poll) {
            ++at;
            continue;
        }
        auto& answer = aftermath.answers.emplace_back();
        answer.receiver = std::move(at->second.receiver);
        answer.received.unavailable = unavailable;
        at = state.waiters.erase(at);
        ++state.empty_receives;
        --waiting;
    }
}

Position Broker::Impl::note_received(
    Queue::State& state, engine::Received& received, Aftermath& aftermath
) {
    Position position = 0;
    for (const engine::Delivery& delivery : received.deliveries)
        position = note_lease(state, delivery.receipt);
    for (engine::Transfer& dead : received.dead)
        note_dead_letter(state, aftermath, {.message = std::move(dead)});
    received.dead.clear();
    return position;
}

void Broker::Impl::note_dead_letter(
    Queue::State& state, Aftermath& aftermath, Aftermath::DeadLetter dead
) {
    if (!aftermath.on_their_way) aftermath.on_their_way = transfers.begin();
    aftermath.dead_letter_queue = state.settings->dead_letter_queue;
    dead.came_from = std::exchange(dead.message.source_queue, state.id);
    aftermath.dead.push_back(std::move(dead));
}

Position Broker::Impl::note_ended(Queue::State& state, Aftermath& aftermath) {
    Position position = 0;
    for (engine::Ended& ended : state.engine.take_ended()) {
        const engine::MessageView& message = ended.message;
        position = note_deleted(state, message.slot, message.sequence);
        if (!aftermath.on_their_way) aftermath.on_their_way = hold_record(message.payload);
        const bool expired = ended.why == engine::Ended::Why::expired;
        aftermath.endings.push_back(
            {.message = std::move(ended.message),
             .why = expired ? Ending::Why::expired : Ending::Why::cancelled}
        );
    }
    return position;
}

Position Broker::Impl::note_deleted(
    Queue::State& state, std::uint32_t slot, engine::Sequence sequence
) {
    return journal.append(record::MessageDeleted{
        .queue = state.id, .slot = slot, .sequence = sequence});
}

Position Broker::Impl::note_lease(Queue::State& state, const engine::Receipt& receipt) {
    const auto now_is = state.engine.delivery_state(receipt.slot, receipt.sequence);
    if (!now_is) return 0;
    return journal.append(record::LeaseChanged{
        .queue = state.id, .slot = receipt.slot, .sequence = receipt.sequence, .state = *now_is});
}

Position Broker::Impl::note_moved(
    QueueId from,
    const Queue::State& to,
    const engine::Transfer& message,
    const engine::Sent& place,
    Instant now
) {
    return journal.append(record::MessageMoved{
        .from = from,
        .from_slot = message.source_slot,
        .from_sequence = message.source_sequence,
        .to = to.id,
        .to_slot = place.slot,
        .to_sequence = place.sequence,
        .message = &message,
        .at = now});
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

bool Broker::Impl::is_exhausted(const Queue::State& state, const engine::Transfer& message) const {
    const std::uint32_t limit = state.settings->engine.max_receives;
    return limit > 0 && message.receive_count >= limit &&
           !with_dead_letters(state, {}).keep_exhausted;
}

void Broker::Impl::plan(const QueueHandle& queue, Instant now, Aftermath& aftermath) {
    note_ended(queue->state(), aftermath);
    plan_look(queue, now, aftermath);
}

void Broker::Impl::plan_look(const QueueHandle& queue, Instant now, Aftermath& aftermath) {
    Queue::State& state = queue->state();
    if (state.hand_on_until != 0) {
        aftermath.earlier_event |= events.schedule(queue, now);
        return;
    }
    const bool idle = state.waiters.empty();
    if (state.next_look.load(std::memory_order_acquire) <= (idle ? now + idle_look : now)) return;
    auto when = state.engine.next_event();
    if (!when) return;
    if (idle) when = std::max(*when, now + idle_look);
    if (events.schedule(queue, *when)) aftermath.earlier_event = true;
}

Position Broker::Impl::finish(const QueueHandle& queue, Aftermath aftermath) {
    // A list and not a recursion: dead-letter queues may have dead-letter queues of their own.
    std::vector<Unfinished> later;
    const Position position = finish(queue, std::move(aftermath), later);
    for (std::size_t i = 0; i < later.size(); ++i) {
        Unfinished next = std::move(later[i]);
        finish(next.queue, std::move(next.aftermath), later);
    }
    return position;
}

Position Broker::Impl::finish(
    const QueueHandle& queue, Aftermath aftermath, std::vector<Unfinished>& later
) {
    Position position = 0;
    if (!aftermath.dead.empty()) position = move_dead_letters(queue, aftermath, later);
    for (Ending& ending : aftermath.endings)
        try_bring_back(ending.message.payload);
    aftermath.on_their_way = {};
    for (Aftermath::Answer& answer : aftermath.answers) {
        hand_over(queue, std::move(answer.receiver), std::move(answer.received), answer.position);
    }
    if (aftermath.earlier_event) earlier_event();
    if (on_ended && !aftermath.endings.empty()) on_ended(queue, std::move(aftermath.endings));
    return position;
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

Position Broker::Impl::move_dead_letters(
    const QueueHandle& queue, Aftermath& aftermath, std::vector<Unfinished>& later
) {
    const QueueHandle target = find(aftermath.dead_letter_queue);
    Position position = 0;
    for (auto& [dead, settled, came_from] : aftermath.dead) {
        if (!bring_back(dead.payload)) continue;
        const engine::Payload payload = dead.payload;
        if (target && target->fifo()) {
            // So that the dead-letter queue never takes it for a duplicate (SQS_SPEC 8.1).
            dead.payload = payload.with_identity(payload.id(), format_uuid(payload.id()));
        }
        auto moved = target ? deliver_transfer(queue->id(), target, dead, later) : std::nullopt;
        if (!moved && !settled && dead.traits.max_receives == 0) {
            // Its dead-letter queue was deleted this very moment: the message stays where it was.
            dead.payload = payload;
            dead.source_queue = came_from;
            give_back(queue, dead, later);
            continue;
        }
        if (!moved) moved = drop_dead_letter(queue->state(), dead);
        position = std::max(position, *moved);
        if (settled) continue;
        engine::MessageView view = view_of(dead);
        view.payload = payload;
        aftermath.endings.push_back({.message = std::move(view), .why = Ending::Why::exhausted});
    }
    return position;
}

/// There is no dead-letter queue, and nobody would ever get the message.
Position Broker::Impl::drop_dead_letter(Queue::State& state, const engine::Transfer& dead) {
    const std::lock_guard lock(state.mutex);
    return note_deleted(state, dead.source_slot, dead.source_sequence);
}

std::optional<Position> Broker::Impl::deliver_transfer(
    QueueId from, const QueueHandle& to, const engine::Transfer& message
) {
    std::vector<Unfinished> later;
    const auto position = deliver_transfer(from, to, message, later);
    for (Unfinished& one : later)
        finish(one.queue, std::move(one.aftermath));
    return position;
}

std::optional<Position> Broker::Impl::deliver_transfer(
    QueueId from,
    const QueueHandle& to,
    const engine::Transfer& message,
    std::vector<Unfinished>& later
) {
    Queue::State& state = to->state();
    Aftermath aftermath;
    Position position = 0;
    {
        const QueueLock lock(state);
        const Instant now = clock.now();
        if (state.deleted) return std::nullopt;
        const engine::Sent place = state.engine.move_in(message, now);
        position = note_moved(from, state, message, place, now);
        leave_on_disk(state, place, position);
        // Else dead-letter queues in a circle would hand it on for ever: where it has no receives
        // left either, it stays until somebody receives.
        if (!is_exhausted(state, message)) serve_waiters(state, now, aftermath);
        plan(to, now, aftermath);
    }
    later.push_back({.queue = to, .aftermath = std::move(aftermath)});
    return position;
}

void Broker::Impl::give_back(
    const QueueHandle& queue, const engine::Transfer& message, std::vector<Unfinished>& later
) {
    Queue::State& state = queue->state();
    Aftermath aftermath;
    {
        const QueueLock lock(state);
        const Instant now = clock.now();
        if (state.deleted) return;
        const engine::Sent place = state.engine.give_back(message, now);
        // To the same queue: another message may have its slot by now.
        const Position position = note_moved(state.id, state, message, place, now);
        note_lease(state, {.slot = place.slot, .sequence = place.sequence});
        leave_on_disk(state, place, position);
        if (!is_exhausted(state, message)) serve_waiters(state, now, aftermath);
        plan(queue, now, aftermath);
    }
    later.push_back({.queue = queue, .aftermath = std::move(aftermath)});
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

bool Broker::Impl::is_in_line(const QueueHandle& queue, WaitId id) const {
    const std::lock_guard lock(queue->state().mutex);
    return queue->state().waiters.contains(id);
}

void Broker::Impl::earlier_event() const {
    if (on_earlier_event) on_earlier_event();
}

}  // namespace tranter::broker
