#include "world.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace tranter::store_sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

/// What other threads do while one is inside a disk call.
void World::overlap() {
    if (!choices().percent(scenario_.percent_overlap)) return;
    tally_.hit(Probe::overlapped);
    for (std::int64_t count = choices().between(1, 3); count > 0; --count) {
        switch (choices().below(5)) {
            case 0:
            case 1:
                send();
                break;
            case 2:
                receive();
                break;
            case 3:
                acknowledge();
                break;
            default:
                change_visibility();
                break;
        }
    }
}

Queue* World::pick_queue() {
    if (live_.queues.empty()) return nullptr;
    auto at = live_.queues.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(choices().below(live_.queues.size())));
    at->second.advance(now());
    return &at->second;
}

/// An answer of this kind is right only while the log does not take everything.
void World::refused(const Error& error, bool needs_space) {
    const log::Accepts accepts = log().accepts();
    const bool right =
        accepts == log::Accepts::nothing || (needs_space && accepts == log::Accepts::no_growth);
    if (!right || error.code() != Errc::unavailable) {
        throw Violation(Invariant::answers, "refused without a reason: " + error.message());
    }
    tally_.hit(disk_.failed() ? Probe::refused_after_failure : Probe::refused_for_space);
    say("  refused: " + error.message());
}

bool World::is_out_of_memory(const Error& error) const {
    return scenario_.memory_limit != 0 && error.code() == Errc::unavailable &&
           error.message().contains("of memory, limit is");
}

engine::Traits World::draw_traits() {
    engine::Traits traits;
    if (choices().percent(40)) traits.priority = static_cast<std::uint8_t>(choices().below(10));
    if (choices().percent(30)) {
        traits.max_receives = static_cast<std::uint32_t>(choices().between(1, 3));
    }
    if (choices().percent(30)) {
        traits.deadline =
            now() + choices().one_of<Duration>({seconds(0), seconds(3), minutes(1), minutes(30)});
    }
    if (choices().percent(50)) {
        traits.uniqueness = static_cast<engine::Uniqueness>(choices().between(1, 4));
        traits.unique_key = "k" + std::to_string(choices().below(scenario_.keys));
        traits.unique_for =
            choices().one_of<Duration>({seconds(0), seconds(5), minutes(1), minutes(20)});
    }
    return traits;
}

std::unique_ptr<World::Sending> World::draw_send(const Queue& queue) {
    auto sending = std::make_unique<Sending>();
    sending->token = next_token_++;
    std::string id;
    if (queue.fifo() && choices().percent(80)) {
        id = "d" + std::to_string(choices().below(scenario_.ids));
    } else if (queue.fifo()) {
        id = "d" + name_of(sending->token);
    }
    const std::uint64_t group = choices().below(scenario_.groups + 1);
    if (group != 0) sending->group = "g" + std::to_string(group);
    if (!id.empty()) sending->key = queue.key(sending->group, id);
    sending->request = {
        .payload = payload_of(sending->token, scenario_.body_bytes_max, id),
        .options = {.group = sending->group}};
    if (!queue.fifo() && choices().percent(25)) {
        sending->request.options.delay =
            choices().one_of<Duration>({seconds(0), seconds(2), minutes(1)});
    }
    if (choices().percent(scenario_.percent_traits)) {
        sending->traits = draw_traits();
        sending->request.options.traits = &sending->traits;
    }
    say("send " + name_of(sending->token) + " to " + queue.name + " group '" + sending->group +
        "' id '" + id + "' key '" + sending->traits.unique_key + "' mode " +
        std::to_string(static_cast<int>(sending->traits.uniqueness)));
    return sending;
}

void World::send() {
    Queue* queue = pick_queue();
    if (queue == nullptr) return create_queue();
    if (live_.messages() >= scenario_.depth) return receive();
    const auto sending = draw_send(*queue);
    const Expected expected = expect(*queue, *sending);
    begin_operation();
    const auto result = broker().send(broker().find_queue(queue->id), sending->request);
    if (!result.sent && result.sent.error().code() == Errc::limit_exceeded &&
        expected.what == Expected::What::refused) {
        return end_operation();
    }
    if (!result.sent && is_out_of_memory(result.sent.error())) {
        tally_.hit(Probe::out_of_memory);
        return end_operation();
    }
    if (!result.sent) {
        refused(result.sent.error(), true);
        return end_operation();
    }
    check_sent(*queue, *sending, expected, *result.sent);
    const QueueId queue_id = queue->id;
    const Sequence sequence = result.sent->sequence;
    if (result.sent->duplicate) {
        tally_.hit(Probe::duplicate_send);
        const auto first = find_event(Event::Kind::sent, queue_id, sequence);
        if (!first) tally_.hit(Probe::duplicate_after_crash);
        // The first send must be safe before the second is told that it was.
        end_operation();
        return wait_for(Until::durable, result.position, first ? *first + 1 : 0, Probe::acked_send);
    }
    add(sent_event(*queue, *sending, *result.sent));
    stands_at(result.position);
    end_operation();
    wait_for(Until::durable, result.position, events_.size(), Probe::acked_send);
}

World::Expected World::expect(const Queue& queue, const Sending& sending) {
    using What = Expected::What;
    if (const auto* first = sending.key.empty() ? nullptr : queue.find_id(sending.key)) {
        return {.what = What::duplicate, .of = first->sequence};
    }
    const engine::Traits& traits = sending.traits;
    switch (traits.uniqueness) {
        case engine::Uniqueness::none:
            break;
        case engine::Uniqueness::simple:
            if (const auto* held = queue.find_unique(traits.unique_key, false)) {
                return {.what = What::duplicate, .of = held->sequence};
            }
            break;
        case engine::Uniqueness::throttle:
            if (const auto* throttle = queue.find_throttle(traits.unique_key)) {
                return {.what = What::duplicate, .of = throttle->sequence};
            }
            break;
        case engine::Uniqueness::debounce:
        case engine::Uniqueness::keep_latest:
            if (const auto* waits = queue.find_unique(traits.unique_key, true)) {
                return {.what = What::replaces, .of = waits->sequence};
            }
            break;
    }
    const std::uint32_t limit = queue.settings.engine.groups.max_queued_per_group;
    const bool full = limit > 0 && !sending.group.empty() && queue.queued(sending.group) >= limit;
    return {.what = full ? What::refused : What::new_one};
}

/// The message of an accepted send, as it stands in the queue.
Event World::sent_event(const Queue& queue, const Sending& sending, const engine::Sent& sent)
    const {
    const Duration delay = sending.request.options.delay.value_or(queue.settings.engine.delay);
    Message message{
        .token = sending.token,
        .group = sending.group,
        .sequence = sent.sequence,
        .slot = sent.slot,
        .sent_at = now(),
        .ages_from = now(),
        .due = now() + delay,
        .traits = sending.traits,
        .unique_since = now()};
    if (sent.replaced) {
        const Message& old = queue.messages.at(sent.replaced->sequence);
        message.renamed = true;
        message.unique_since = old.unique_since;
        const engine::Traits& traits = sending.traits;
        if (traits.uniqueness == engine::Uniqueness::keep_latest) {
            message.due = old.state == Message::State::delayed ? old.due : now();
        } else if (traits.unique_for > Duration::zero()) {
            message.due = std::min(message.due, old.unique_since + traits.unique_for);
        }
    }
    if (message.due > now()) message.state = Message::State::delayed;
    return {
        .kind = Event::Kind::sent,
        .queue = queue.id,
        .text = sending.key,
        .message = message,
        .from_sequence = sent.replaced ? sent.replaced->sequence : 0};
}

void World::check_sent(
    const Queue& queue, const Sending& sending, const Expected& expected, const engine::Sent& sent
) {
    using What = Expected::What;
    note(sent.sequence);
    const std::string name = name_of(sending.token);
    const bool by_id = !sending.key.empty() && queue.find_id(sending.key) != nullptr;
    const bool unique = sending.traits.uniqueness != engine::Uniqueness::none && !by_id;
    const Invariant invariant = unique ? Invariant::unique : Invariant::deduplication;
    const What what = sent.duplicate  ? What::duplicate
                      : sent.replaced ? What::replaces
                                      : What::new_one;
    if (what != expected.what) {
        static constexpr std::array<const char*, 4> texts = {
            "a new message", "a duplicate", "in the place of another", "refused"};
        throw Violation(
            invariant,
            name + " is " + texts[static_cast<std::size_t>(what)] + ", but should be " +
                texts[static_cast<std::size_t>(expected.what)]
        );
    }
    const Sequence of = sent.replaced ? sent.replaced->sequence : sent.sequence;
    if (what != What::new_one && of != expected.of) {
        throw Violation(invariant, name + " was answered with another number");
    }
    if (what == What::replaces) tally_.hit(Probe::replaced);
    if (what == What::duplicate && unique) {
        const bool throttled = sending.traits.uniqueness == engine::Uniqueness::throttle;
        tally_.hit(throttled ? Probe::throttled : Probe::key_taken);
    }
    if (what == What::duplicate) return;
    if (sent.sequence <= exposed_[queue.id] || queue.messages.contains(sent.sequence)) {
        throw Violation(
            Invariant::sequence,
            name + " got number " + std::to_string(sent.sequence) + ", which was given before"
        );
    }
}

const World::Issued* World::pick_receipt() {
    if (issued_.empty()) return nullptr;
    const Issued* picked = nullptr;
    // Out of a few, prefer one that is current.
    for (int tries = 0; tries < 3; ++tries) {
        picked = &issued_[choices().below(issued_.size())];
        const Message* message = live_.find_token(picked->queue, picked->token);
        if (message == nullptr || message->state != Message::State::in_flight) continue;
        if (message->deliveries == picked->receipt.delivery) break;
    }
    return picked;
}

void World::forged_receipt() {
    const Issued* issued = pick_receipt();
    if (issued == nullptr) return;
    tally_.hit(Probe::forged_receipt);
    std::string text = issued->text;
    char& character = text[choices().below(text.size())];
    character = character == 'A' ? 'B' : 'A';
    if (text == issued->text || !broker().receipts().decode(text)) return;
    throw Violation(Invariant::receipts, "a forged receipt was taken for one of the store");
}

void World::acknowledge() {
    if (choices().percent(scenario_.percent_forged)) return forged_receipt();
    if (const Issued* picked = pick_receipt()) delete_by(Issued(*picked));
}

void World::delete_by(const Issued& issued) {
    const auto decoded = broker().receipts().decode(issued.text);
    if (!decoded || decoded->queue != issued.queue || decoded->receipt != issued.receipt) {
        throw Violation(Invariant::receipts, "the store does not know its own receipt any more");
    }
    const auto handle = broker().find_queue(issued.queue);
    Queue* queue = live_.find(issued.queue);
    if ((queue != nullptr) != (handle != nullptr)) {
        throw Violation(Invariant::settings, "a queue is there for one, but not for the other");
    }
    if (queue == nullptr) return;
    queue->advance(now());
    say("delete " + name_of(issued.token) + "/" + std::to_string(issued.receipt.delivery) + " in " +
        queue->name);
    begin_operation();
    const auto result = broker().acknowledge(handle, issued.receipt);
    if (!result.done && result.done.error().code() == Errc::unavailable) {
        refused(result.done.error(), false);
        return end_operation();
    }
    check_deleted(*queue, issued, result.done);
    if (!result.done) return end_operation();
    if (*result.done) {
        add(
            {.kind = Event::Kind::deleted,
             .queue = issued.queue,
             .message = {.token = issued.token, .sequence = issued.receipt.sequence}}
        );
        stands_at(result.position);
        if (issued.process != process_ && !last_crash_was_power_) {
            tally_.hit(Probe::old_receipt_after_kill);
        }
    }
    end_operation();
    // Also when it was gone already: its deletion must be safe before somebody is told so.
    const auto deleted = find_event(Event::Kind::deleted, issued.queue, issued.receipt.sequence);
    wait_for(Until::durable, result.position, deleted ? *deleted + 1 : 0, Probe::acked_delete);
}

void World::check_deleted(Queue& queue, const Issued& issued, const Result<bool>& done) {
    note(done ? *done : 2);
    const auto found = queue.messages.find(issued.receipt.sequence);
    const bool known = found != queue.messages.end() && found->second.token == issued.token &&
                       issued.receipt.delivery <= found->second.deliveries;
    if (!known) {
        tally_.hit(Probe::stale_receipt);
        if (done && !*done) return;
        throw Violation(
            Invariant::receipts,
            "the receipt of a message that is gone deletes another: " + name_of(issued.token)
        );
    }
    const bool current = found->second.state == Message::State::in_flight &&
                         found->second.deliveries == issued.receipt.delivery;
    const bool conflict = queue.fifo() && !current;
    if (conflict) tally_.hit(Probe::stale_receipt);
    if (conflict ? !done && done.error().code() == Errc::conflict : done && *done) return;
    throw Violation(
        Invariant::receipts,
        "receipt " + std::to_string(issued.receipt.delivery) + " of " + name_of(issued.token) +
            (conflict ? " should be refused" : " should delete it")
    );
}

void World::change_visibility() {
    const Issued* picked = pick_receipt();
    if (picked == nullptr) return;
    const Issued issued = *picked;
    Queue* queue = live_.find(issued.queue);
    if (queue == nullptr) return;
    queue->advance(now());
    const auto timeout =
        choices().one_of<Duration>({seconds(0), seconds(1), seconds(20), minutes(5), minutes(60)});
    say("change visibility of " + name_of(issued.token) + "/" +
        std::to_string(issued.receipt.delivery) + " in " + queue->name + " to " +
        describe(timeout));
    begin_operation();
    const auto result =
        broker().change_visibility(broker().find_queue(issued.queue), issued.receipt, timeout);
    note(result.done ? 1 : 2);
    if (!result.done && result.done.error().code() == Errc::unavailable) {
        refused(result.done.error(), false);
        return end_operation();
    }
    const auto found = queue->messages.find(issued.receipt.sequence);
    const bool known = found != queue->messages.end() && found->second.token == issued.token &&
                       issued.receipt.delivery <= found->second.deliveries;
    const bool current = known && found->second.deliveries == issued.receipt.delivery &&
                         found->second.state != Message::State::delayed;
    const bool expected =
        current && (!queue->fifo() || found->second.state == Message::State::in_flight);
    const bool over_limit = !result.done && result.done.error().code() == Errc::invalid_argument;
    if (result.done.has_value() != expected && !(expected && over_limit)) {
        throw Violation(
            Invariant::receipts, "visibility of " + name_of(issued.token) + " by a wrong receipt"
        );
    }
    if (!result.done) return end_operation();
    Message message = found->second;
    message.state =
        timeout > Duration::zero() ? Message::State::in_flight : Message::State::visible;
    message.due = now() + timeout;
    lease(*queue, message);
    stand_up_to(result.position);
    end_operation();
    wait_for(Until::written, result.position, events_.size(), Probe::acked_send);
}

/// A delivery that never reached its consumer. Only a server does this, to what it has just handed
/// out, so not across a crash.
void World::take_back() {
    const Issued* picked = pick_receipt();
    if (picked == nullptr || picked->process != process_) return;
    // It has no answer that could say so, but without a journal it does nothing.
    if (log().accepts() == log::Accepts::nothing) return;
    const Issued issued = *picked;
    Queue* queue = live_.find(issued.queue);
    if (queue == nullptr) return;
    queue->advance(now());
    const auto found = queue->messages.find(issued.receipt.sequence);
    if (found == queue->messages.end() || found->second.token != issued.token) return;
    Message message = found->second;
    if (message.deliveries != issued.receipt.delivery || message.taken_back ||
        message.state != Message::State::in_flight) {
        return;
    }
    say("take back " + name_of(issued.token) + " in " + queue->name);
    begin_operation();
    broker().take_back(broker().find_queue(issued.queue), {issued.receipt});
    std::erase_if(issued_, [&](const Issued& one) {
        return one.queue == issued.queue && one.receipt == issued.receipt;
    });
    message.taken_back = true;
    --message.receive_count;
    if (message.receive_count == 0) message.first_received_at = {};
    message.state = Message::State::visible;
    message.due = {};
    lease(*queue, message);
    end_operation();
}

void World::receive() {
    Queue* queue = pick_queue();
    if (queue == nullptr) return;
    engine::ReceiveOptions options{
        .max_messages = static_cast<std::uint32_t>(choices().between(1, 10))};
    if (choices().percent(60)) {
        options.visibility_timeout =
            choices().one_of<Duration>({seconds(0), seconds(1), seconds(5), minutes(10)});
    }
    receive_from(queue->id, options);
}

void World::receive_from(QueueId id, const engine::ReceiveOptions& options) {
    const Queue& queue = live_.queues.at(id);
    say("receive up to " + std::to_string(options.max_messages) + " from " + queue.name);
    auto answer = std::make_shared<Answer>();
    answer->queue = id;
    begin_operation();
    const auto wait = broker().receive(
        broker().find_queue(id),
        options,
        false,
        [this, answer, process = process_](engine::Received received) {
            answer->received = std::move(received);
            if (process == process_ && answer->expected) take_answer(*answer);
        }
    );
    if (wait != 0) throw Violation(Invariant::answers, "a receive waits that should not");
    answer->max_messages = options.max_messages;
    answer->timeout = options.visibility_timeout.value_or(queue.settings.engine.visibility_timeout);
    take_hand_outs(*answer);
    take_dead_letters(answer->queue);
    end_operation();
    if (answer->received) {
        take_answer(*answer);
    } else {
        waiting_[answer->wait = ++next_wait_] = {Until::written, journal().end()};
    }
}

}  // namespace tranter::store_sim
