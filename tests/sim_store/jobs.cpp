#include "world.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace tranter::store_sim {
namespace {

using engine::Settle;
using std::chrono::minutes;
using std::chrono::seconds;

bool has_bytes(const engine::MessageView& view) {
    return view.payload && view.payload.has_bytes();
}

}  // namespace

// Batches ---------------------------------------------------------------------------------------

void World::send_batch() {
    Queue* queue = pick_queue();
    if (queue == nullptr || live_.messages() >= scenario_.depth) return;
    std::vector<std::unique_ptr<Sending>> all;
    for (std::int64_t count = choices().between(2, 5); count > 0; --count)
        all.push_back(draw_send(*queue));
    std::vector<broker::Broker::SendRequest> requests;
    for (const auto& sending : all)
        requests.push_back(sending->request);
    say("  all of them at once");
    begin_operation();
    const QueueId id = queue->id;
    const auto result = broker().send_all(broker().find_queue(id), requests);
    if (!result.sent) {
        check_refused_batch(*queue, all, result.sent.error());
        return end_operation();
    }
    if (result.sent->size() != all.size()) {
        throw Violation(Invariant::answers, "a batch was answered with fewer");
    }
    tally_.hit(Probe::batch_sent);
    for (std::size_t i = 0; i < all.size(); ++i) {
        const engine::Sent& sent = result.sent->at(i);
        check_sent(*queue, *all[i], expect(*queue, *all[i]), sent);
        if (sent.duplicate) continue;
        Event event = sent_event(*queue, *all[i], sent);
        event.from_batch = true;
        // None is there before the last is.
        add(std::move(event));
        stands_at(result.position);
    }
    end_operation();
    wait_for(Until::durable, result.position, events_.size(), Probe::acked_send);
}

/// It may be refused for more than it would do only where several of it have one key or id, or no
/// time left.
void World::check_refused_batch(
    const Queue& queue, const std::vector<std::unique_ptr<Sending>>& all, const Error& error
) {
    tally_.hit(Probe::batch_refused);
    for (const engine::MessageView& view : look(queue.id)) {
        if (queue.messages.contains(view.sequence)) continue;
        throw Violation(Invariant::batch, "part of a batch that was refused is there");
    }
    if (is_out_of_memory(error)) return;
    if (error.code() != Errc::limit_exceeded) return refused(error, true);
    Queue would = queue;
    Sequence number = 1ULL << 62U;
    std::set<std::string> keys;
    const auto repeats = [&](const std::string& key) {
        return !key.empty() && !keys.insert(key).second;
    };
    for (const auto& sending : all) {
        using engine::Uniqueness;
        const Instant deadline = sending->traits.deadline;
        if (deadline != Instant{} && deadline <= now()) return;
        if (sending->traits.uniqueness > Uniqueness::simple) return;
        if (repeats(sending->traits.unique_key) || repeats(sending->key)) return;
        const Expected expected = expect(would, *sending);
        if (expected.what == Expected::What::refused) return;
        if (expected.what == Expected::What::duplicate) continue;
        const engine::Sent sent{.sequence = ++number};
        State state;
        state.queues[queue.id] = std::move(would);
        Event event = sent_event(state.queues.at(queue.id), *sending, sent);
        event.at = now();
        state.apply(event);
        would = std::move(state.queues.at(queue.id));
    }
    throw Violation(Invariant::batch, "a batch was refused that fits: " + error.message());
}

// Settling --------------------------------------------------------------------------------------

/// The message of a delivery that is not over.
const Message* World::holds(const Queue& queue, const Issued& issued) const {
    const auto found = queue.messages.find(issued.receipt.sequence);
    if (found == queue.messages.end() || found->second.token != issued.token) return nullptr;
    const Message& message = found->second;
    const bool current =
        message.state == Message::State::in_flight && message.deliveries == issued.receipt.delivery;
    return current ? &message : nullptr;
}

void World::settle() {
    const Issued* first = pick_receipt();
    if (first == nullptr) return;
    std::vector<Issued> all{*first};
    Queue* queue = live_.find(first->queue);
    if (queue == nullptr) return;
    queue->advance(now());
    for (std::int64_t more = choices().between(0, 2); more > 0; --more) {
        const Issued* other = pick_receipt();
        const bool fits =
            other->queue == queue->id && std::ranges::none_of(all, [&](const Issued& one) {
                return one.receipt.sequence == other->receipt.sequence;
            });
        if (fits) all.push_back(*other);
    }
    std::vector<Settle> settlements;
    for (const Issued& issued : all) {
        settlements.push_back(
            {.kind = choices().one_of<Settle::Kind>(
                 {Settle::Kind::complete, Settle::Kind::put_back, Settle::Kind::take_out}
             ),
             .receipt = issued.receipt,
             .delay = choices().one_of<Duration>({seconds(0), seconds(0), seconds(4), minutes(2)}),
             .counts = choices().percent(60)}
        );
        say("settle " + name_of(issued.token) + "/" + std::to_string(issued.receipt.delivery) +
            " in " + queue->name + " kind " +
            std::to_string(static_cast<int>(settlements.back().kind)) + " delay " +
            describe(settlements.back().delay));
    }
    begin_operation();
    const QueueId id = queue->id;
    const auto result = broker().settle(broker().find_queue(id), settlements);
    const std::size_t before = events_.size();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Result<engine::MessageView>& settled = result.settled.at(i);
        if (!settled && settled.error().code() == Errc::unavailable) {
            refused(settled.error(), false);
            continue;
        }
        check_settled(*queue, all[i], settled);
        if (!settled) continue;
        tally_.hit(Probe::settled);
        take_settled(id, settlements[i], Message(queue->messages.at(all[i].receipt.sequence)));
    }
    stand_up_to(result.position);
    end_operation();
    if (events_.size() == before) return;
    wait_for(Until::durable, result.position, events_.size(), Probe::acked_delete);
}

void World::check_settled(
    const Queue& queue, const Issued& issued, const Result<engine::MessageView>& settled
) const {
    const Message* held = holds(queue, issued);
    const std::string name = name_of(issued.token) + " in " + queue.name;
    if (held == nullptr) {
        tally_.hit(Probe::settled_too_late);
        const auto found = queue.messages.find(issued.receipt.sequence);
        const bool known = found != queue.messages.end() && found->second.token == issued.token &&
                           issued.receipt.delivery <= found->second.deliveries;
        const Errc wanted = known ? Errc::conflict : Errc::not_found;
        if (!settled && settled.error().code() == wanted) return;
        throw Violation(Invariant::held, name + " was settled by somebody who does not hold it");
    }
    if (!settled) {
        throw Violation(
            Invariant::held, name + " was not settled by who holds it: " + settled.error().message()
        );
    }
    const bool intact = has_bytes(*settled) && token_of(settled->payload) == held->token &&
                        is_intact(settled->payload, scenario_.body_bytes_max, held->renamed);
    if (!intact) throw Violation(Invariant::payload_intact, name + " was settled without its body");
    const bool right = settled->receive_count == held->receive_count &&
                       settled->note == held->note && settled->group == held->group &&
                       settled->cancel_requested == held->cancel_requested;
    if (!right) throw Violation(Invariant::held, name + " was settled as something else");
}

void World::take_settled(QueueId id, const Settle& settle, const Message& before) {
    const Queue& queue = live_.queues.at(id);
    if (settle.kind == Settle::Kind::put_back) {
        Message message = before;
        const bool waits = settle.delay > Duration::zero();
        if (!settle.counts && !std::exchange(message.taken_back, true)) {
            if (--message.receive_count == 0) message.first_received_at = {};
        }
        message.state = waits ? Message::State::delayed : Message::State::visible;
        message.due = waits ? now() + settle.delay : Instant{};
        // What it is due does not matter when it ends here.
        const bool late = message.traits.deadline != Instant{} && message.traits.deadline <= now();
        if (late || message.cancel_requested) message.state = Message::State::visible;
        std::erase_if(issued_, [&](const Issued& one) {
            return one.queue == id && one.receipt == settle.receipt;
        });
        return lease(live_.queues.at(id), message);
    }
    if (settle.kind == Settle::Kind::complete || !has_dead_letter_queue(queue)) {
        if (settle.kind == Settle::Kind::take_out) tally_.hit(Probe::taken_out);
        add({.kind = Event::Kind::deleted, .queue = id, .message = before});
        return;
    }
    const Queue& target = *live_.find(queue.settings.dead_letter_queue);
    const QueueId to = target.id;
    for (const engine::MessageView& view : arrivals(target)) {
        if (token_of(view.payload) == before.token) {
            return take_moved(id, to, view, MovedBy::consumer);
        }
    }
    const Duration retention = target.settings.engine.retention;
    const bool expires =
        !target.fifo() && retention > Duration::zero() && before.sent_at + retention <= now();
    if (!expires) {
        throw Violation(
            Invariant::nothing_lost, name_of(before.token) + " did not come to " + target.name
        );
    }
    Sequence number = target.last_sequence;
    do
        ++number;
    while (target.messages.contains(number));
    add_move(id, to, before, number, MovedBy::consumer);
}

void World::extend() {
    const Issued* picked = pick_receipt();
    if (picked == nullptr) return;
    const Issued issued = *picked;
    Queue* queue = live_.find(issued.queue);
    if (queue == nullptr) return;
    queue->advance(now());
    const auto lease_time = choices().one_of<Duration>({seconds(1), seconds(30), minutes(10)});
    say("extend " + name_of(issued.token) + "/" + std::to_string(issued.receipt.delivery) + " in " +
        queue->name + " by " + describe(lease_time));
    begin_operation();
    const auto result =
        broker().extend(broker().find_queue(issued.queue), {&issued.receipt, 1}, lease_time);
    const Result<bool>& extended = result.cancel_requested.at(0);
    if (!extended && extended.error().code() == Errc::unavailable) {
        refused(extended.error(), false);
        return end_operation();
    }
    const Message* held = holds(*queue, issued);
    if (extended.has_value() != (held != nullptr)) {
        throw Violation(Invariant::held, "a lease was extended by a wrong receipt, or not by its");
    }
    if (held == nullptr) return end_operation();
    if (*extended != held->cancel_requested) {
        throw Violation(Invariant::held, "a consumer is not told that its job was cancelled");
    }
    tally_.hit(Probe::extended);
    Message message = *held;
    message.due = now() + lease_time;
    lease(*queue, message);
    stands_at(result.position);
    end_operation();
    wait_for(Until::written, result.position, events_.size(), Probe::acked_send);
}

void World::keep_note() {
    const Issued* picked = pick_receipt();
    if (picked == nullptr) return;
    const Issued issued = *picked;
    Queue* queue = live_.find(issued.queue);
    if (queue == nullptr) return;
    queue->advance(now());
    const std::string text(choices().below(200), static_cast<char>('a' + choices().below(26)));
    say("note " + std::to_string(text.size()) + " bytes with " + name_of(issued.token) + " in " +
        queue->name);
    begin_operation();
    const auto result = broker().set_note(broker().find_queue(issued.queue), issued.receipt, text);
    const Message* held = holds(*queue, issued);
    if (!result && is_out_of_memory(result.error())) {
        return end_operation();
    }
    if (!result && result.error().code() == Errc::unavailable) {
        refused(result.error(), true);
        return end_operation();
    }
    if (result.has_value() != (held != nullptr)) {
        throw Violation(Invariant::held, "something was noted by a wrong receipt, or not by its");
    }
    if (held == nullptr) return end_operation();
    tally_.hit(Probe::noted);
    Message message = *held;
    message.note = text;
    lease(*queue, message);
    stands_at(*result);
    end_operation();
    wait_for(Until::durable, *result, events_.size(), Probe::acked_send);
}

// By id -----------------------------------------------------------------------------------------

/// A message of the queue with the id that it has now, which must find it.
std::optional<World::Picked> World::pick_message(const Queue& queue) {
    if (queue.messages.empty()) return std::nullopt;
    auto at = queue.messages.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(choices().below(queue.messages.size())));
    const Message& message = at->second;
    for (const engine::MessageView& view : look(queue.id)) {
        if (view.sequence != message.sequence) continue;
        const auto found = broker().find(broker().find_queue(queue.id), view.payload.id());
        if (!found || found->sequence != message.sequence || !has_bytes(*found)) {
            throw Violation(Invariant::answers, name_of(message.token) + " is not found by its id");
        }
        return Picked{.message = message, .id = view.payload.id()};
    }
    throw Violation(Invariant::nothing_lost, name_of(message.token) + " is not in " + queue.name);
}

void World::cancel() {
    Queue* queue = pick_queue();
    if (queue == nullptr) return;
    const auto picked = pick_message(*queue);
    if (!picked) return;
    const Message& message = picked->message;
    say("cancel " + name_of(message.token) + " in " + queue->name);
    begin_operation();
    const QueueId id = queue->id;
    const auto result = broker().cancel(broker().find_queue(id), picked->id);
    if (!result.done) {
        refused(result.done.error(), false);
        return end_operation();
    }
    const bool in_flight = message.state == Message::State::in_flight;
    if ((*result.done == engine::CancelResult::requested) != in_flight) {
        throw Violation(Invariant::answers, name_of(message.token) + " was cancelled otherwise");
    }
    if (!result.message || !has_bytes(*result.message)) {
        throw Violation(Invariant::payload_intact, "what was cancelled has no body");
    }
    tally_.hit(in_flight ? Probe::cancel_requested : Probe::cancelled);
    if (in_flight) {
        Message changed = message;
        changed.cancel_requested = true;
        lease(*queue, changed);
    } else {
        add({.kind = Event::Kind::deleted, .queue = id, .message = message});
    }
    stands_at(result.position);
    end_operation();
    wait_for(Until::durable, result.position, events_.size(), Probe::acked_delete);
}

void World::promote() {
    Queue* queue = pick_queue();
    if (queue == nullptr) return;
    const auto picked = pick_message(*queue);
    if (!picked) return;
    Message message = picked->message;
    say("promote " + name_of(message.token) + " in " + queue->name);
    begin_operation();
    const auto result = broker().promote(broker().find_queue(queue->id), picked->id);
    if (!result && result.error().code() == Errc::unavailable) {
        refused(result.error(), false);
        return end_operation();
    }
    const bool delayed = message.state == Message::State::delayed;
    if (result.has_value() != delayed) {
        throw Violation(Invariant::answers, name_of(message.token) + " was promoted otherwise");
    }
    if (!delayed) return end_operation();
    tally_.hit(Probe::promoted);
    message.state = Message::State::visible;
    message.due = {};
    lease(*queue, message);
    stands_at(*result);
    end_operation();
    wait_for(Until::durable, *result, events_.size(), Probe::acked_send);
}

void World::move_job() {
    Queue* from = pick_queue();
    if (from == nullptr) return;
    const auto picked = pick_message(*from);
    const Queue* to = pick_queue();
    if (!picked) return;
    const Message& message = picked->message;
    say("move " + name_of(message.token) + " from " + from->name + " to " + to->name);
    begin_operation();
    const QueueId from_id = from->id;
    const QueueId to_id = to->id;
    const auto result =
        broker().move(broker().find_queue(from_id), picked->id, broker().find_queue(to_id));
    if (!result && result.error().code() == Errc::unavailable) {
        refused(result.error(), true);
        return end_operation();
    }
    if (result.has_value() == (message.state == Message::State::in_flight)) {
        throw Violation(Invariant::answers, name_of(message.token) + " was moved otherwise");
    }
    if (!result) return end_operation();
    const auto arrived = arrivals(*to);
    if (arrived.empty()) {
        const Duration retention = to->settings.engine.retention;
        const bool expires =
            retention > Duration::zero() && message.sent_at + retention <= now() && !to->fifo();
        if (!expires) {
            throw Violation(
                Invariant::nothing_lost, name_of(message.token) + " did not come to " + to->name
            );
        }
        Sequence number = to->last_sequence;
        do
            ++number;
        while (to->messages.contains(number));
        add_move(from_id, to_id, message, number, MovedBy::id);
    } else {
        take_moved(from_id, to_id, arrived.front(), MovedBy::id);
    }
    stands_at(*result);
    end_operation();
    wait_for(Until::durable, *result, events_.size(), Probe::acked_send);
}

// What ends by itself ---------------------------------------------------------------------------

void World::take_report(QueueId id, const broker::Broker::Ending& ending) {
    // What is reported is written as ended.
    last_event_at_ = now();
    const Report report{.queue = id, .sequence = ending.message.sequence};
    if (!has_bytes(ending.message)) {
        throw Violation(Invariant::payload_intact, "what ended is reported without its body");
    }
    if (!reported_.insert(report).second) {
        throw Violation(Invariant::reported, "an ending is reported twice");
    }
    tally_.hit(Probe::ending_reported);
    using Why = broker::Broker::Ending::Why;
    if (ending.why == Why::expired) tally_.hit(Probe::deadline_passed);
    if (ending.why == Why::cancelled) tally_.hit(Probe::cancelled_by_its_lease);
    reports_.push_back(report);
}

void World::check_reports() {
    live_.advance(now());
    for (const Report& report : std::exchange(reports_, {})) {
        Queue* queue = live_.find(report.queue);
        if (queue == nullptr) continue;
        if (queue->messages.contains(report.sequence)) {
            throw Violation(
                Invariant::reported,
                "number " + std::to_string(report.sequence) + " of " + queue->name +
                    " is said to have ended, but is still due"
            );
        }
        std::erase(queue->ended, report.sequence);
    }
}

/// So that everything comes out.
void World::resume_queues() {
    std::vector<QueueId> paused;
    for (const auto& [id, queue] : live_.queues) {
        if (queue.settings.engine.paused) paused.push_back(id);
    }
    for (const QueueId id : paused) {
        auto wanted = std::make_shared<broker::QueueSettings>(live_.queues.at(id).settings);
        wanted->engine.paused = false;
        put_settings(id, std::move(wanted));
    }
}

}  // namespace tranter::store_sim
