#include "world.hpp"

#include <algorithm>
#include <utility>

namespace tranter::store_sim {
namespace {

constexpr std::size_t receipts_remembered = 60;

}  // namespace

bool World::has_dead_letter_queue(const Queue& queue) const {
    const std::string& name = queue.settings.dead_letter_queue;
    return !name.empty() && std::ranges::any_of(live_.queues, [&](const auto& entry) {
        return entry.second.name == name;
    });
}

bool World::exhausted(const Queue& queue, const Message& message) const {
    const std::uint32_t own = message.traits.max_receives;
    if (own > 0 && message.source_queue == 0) return message.receive_count >= own;
    const std::uint32_t max = queue.settings.engine.max_receives;
    return max > 0 && message.receive_count >= max && has_dead_letter_queue(queue);
}

void World::lease(Queue& queue, const Message& message) {
    add({.kind = Event::Kind::leased, .queue = queue.id, .message = message});
}

/// What a receive did to the queue is seen at once, what it answers only when that is written.
void World::take_hand_outs(Answer& answer) {
    Queue& queue = live_.queues.at(answer.queue);
    answer.expected.emplace();
    for (const engine::MessageView& view : look(queue.id)) {
        const auto found = queue.messages.find(view.sequence);
        if (found == queue.messages.end()) {
            throw Violation(Invariant::no_ghosts, "a message is in " + queue.name + " by itself");
        }
        if (view.receive_count == found->second.receive_count) continue;
        check_hand_out(queue, found->second, view, answer.timeout);
        answer.expected->insert(view.sequence);
    }
    if (queue.fifo()) check_fifo(queue, *answer.expected);
    const bool refused_at_once = answer.received && answer.received->unavailable;
    if (answer.expected->size() > answer.max_messages) {
        throw Violation(Invariant::answers, "more was handed out than asked for");
    }
    for (const Sequence sequence : *answer.expected) {
        Message message = queue.messages.at(sequence);
        if (message.receive_count == 0) message.first_received_at = now();
        ++message.receive_count;
        ++message.deliveries;
        message.taken_back = false;
        message.state =
            answer.timeout > Duration::zero() ? Message::State::in_flight : Message::State::visible;
        message.due = now() + answer.timeout;
        if (queue.held_back(message)) {
            throw Violation(
                Invariant::unique, name_of(message.token) + " began beside another with its key"
            );
        }
        lease(queue, message);
        answer.handed[sequence] = message;
        say("  " + name_of(message.token) + " delivery " + std::to_string(message.deliveries) +
            " count " + std::to_string(message.receive_count));
    }
    if (!refused_at_once) check_nothing_left(queue, answer.max_messages, *answer.expected);
    answer.events = events_.size();
    note(answer.expected->size());
}

void World::check_hand_out(
    const Queue& queue, const Message& message, const engine::MessageView& view, Duration timeout
) const {
    const std::string name = name_of(message.token) + " in " + queue.name;
    const auto require = [&](bool right, Invariant invariant, const char* what) {
        if (!right) throw Violation(invariant, name + " " + what);
    };
    require(
        message.state != Message::State::delayed, Invariant::delay, "was delivered before its delay"
    );
    require(
        message.state == Message::State::visible, Invariant::lease, "was delivered during a lease"
    );
    require(!exhausted(queue, message), Invariant::dead_letter, "was delivered instead of moved");
    require(
        view.receive_count == message.receive_count + 1,
        Invariant::receive_count,
        "was received once, but its count went from one to another"
    );
    const bool leased = view.state == engine::MessageView::State::in_flight;
    const Duration lease = leased ? view.due - now() : Duration::zero();
    if (lease == timeout) return;
    throw Violation(
        Invariant::lease,
        name + " has a lease of " + describe(lease) + ", asked for was " + describe(timeout)
    );
}

/// The answer of an earlier receive: what was handed out then, and nothing else.
void World::take_answer(Answer& answer) {
    waiting_.erase(answer.wait);
    const engine::Received& got = *answer.received;
    note(got.deliveries.size());
    if (got.unavailable) {
        if (log().accepts() != log::Accepts::nothing || !got.deliveries.empty()) {
            throw Violation(Invariant::answers, "a receive was refused without a reason");
        }
        tally_.hit(disk_.failed() ? Probe::refused_after_failure : Probe::refused_for_space);
        return;
    }
    // A body that is still in the log may be gone with its message before it is read.
    const auto gone = std::ranges::count_if(answer.handed, [&](const auto& entry) {
        const Queue* queue = live_.find(answer.queue);
        return scenario_.memory_limit != 0 &&
               (queue == nullptr || !queue->messages.contains(entry.first));
    });
    const auto missing = std::ssize(answer.handed) - std::ssize(got.deliveries);
    if (missing < 0 || missing > gone) {
        throw Violation(Invariant::answers, "a receive was answered with something else");
    }
    std::map<std::string, Sequence> last;  // of each group
    for (const engine::Delivery& delivery : got.deliveries) {
        const Message& message = check_delivery(answer, delivery);
        if (live_.queues.contains(answer.queue) && live_.queues.at(answer.queue).fifo() &&
            std::exchange(last[message.group], message.sequence) > message.sequence) {
            throw Violation(Invariant::fifo_order, "a group came out of order");
        }
        if (!message.note.empty()) tally_.hit(Probe::note_delivered);
        expose(answer.queue, message.sequence);
        issued_.push_back(
            {.queue = answer.queue,
             .token = message.token,
             .receipt = delivery.receipt,
             .text = broker().receipts().encode(answer.queue, delivery.receipt),
             .process = process_}
        );
    }
    if (!answer.handed.empty()) required_written_ = std::max(required_written_, answer.events);
    while (issued_.size() > receipts_remembered)
        issued_.pop_front();
}

const Message& World::check_delivery(const Answer& answer, const engine::Delivery& delivery) const {
    const auto token = token_of(delivery.payload);
    const auto found = answer.handed.find(delivery.receipt.sequence);
    if (!token || found == answer.handed.end()) {
        throw Violation(Invariant::no_ghosts, "something was delivered that was not handed out");
    }
    const Message& message = found->second;
    const auto require = [&](bool right, Invariant invariant, const char* what) {
        if (!right) throw Violation(invariant, name_of(*token) + " " + what);
    };
    const bool intact = message.token == *token && message.group == delivery.group &&
                        message.sent_at == delivery.sent_at &&
                        message.source_queue == delivery.source_queue &&
                        is_intact(delivery.payload, scenario_.body_bytes_max, message.renamed);
    require(intact, Invariant::payload_intact, "is not what was sent");
    require(
        delivery.receive_count == message.receive_count,
        Invariant::receive_count,
        "has another receive count"
    );
    require(
        delivery.receipt.delivery == message.deliveries,
        Invariant::receipts,
        "has the number of another delivery"
    );
    require(delivery.note == message.note, Invariant::held, "does not have what was noted last");
    require(
        !message.slot || *message.slot == delivery.receipt.slot,
        Invariant::receipts,
        "has changed its slot"
    );
    const Duration apart = delivery.first_received_at - message.first_received_at;
    require(
        std::chrono::abs(apart) < std::chrono::milliseconds(2),
        Invariant::state,
        "was first received at another time"
    );
    return message;
}

/// A message comes only when everything before it in its group is gone or comes with it.
void World::check_fifo(const Queue& queue, const std::set<Sequence>& handed) const {
    for (const Sequence sequence : handed) {
        const std::string& group = queue.messages.at(sequence).group;
        for (const auto& [other, message] : queue.messages) {
            if (other >= sequence) break;
            if (message.group != group || handed.contains(other)) continue;
            const bool visible = message.state == Message::State::visible;
            if (visible && exhausted(queue, message)) continue;
            throw Violation(
                visible ? Invariant::fifo_order : Invariant::group_lock,
                "number " + std::to_string(sequence) + " passed " + name_of(message.token) +
                    " of its group"
            );
        }
    }
}

/// Fewer than asked for means that no more could be had.
void World::check_nothing_left(
    const Queue& queue, std::uint32_t max, const std::set<Sequence>& handed
) const {
    if (handed.size() >= max || queue.settings.engine.paused) return;
    std::vector<std::string> closed;  // FIFO groups with an earlier message that blocks
    for (const auto& [sequence, message] : queue.messages) {
        const bool blocked = queue.fifo() && std::ranges::count(closed, message.group) != 0;
        if (handed.contains(sequence)) continue;
        const bool held_back = queue.held_back(message);
        const bool waits = message.state == Message::State::visible && !held_back;
        if (held_back) tally_.hit(Probe::held_back);
        if (!waits) closed.push_back(message.group);
        if (!waits || blocked) continue;
        if (exhausted(queue, message)) continue;  // moved by this call
        throw Violation(
            Invariant::nothing_lost,
            name_of(message.token) + " in " + queue.name + " is visible, but was not handed out"
        );
    }
}

/// What a queue holds, after everything that is due by now.
std::vector<engine::MessageView> World::look(QueueId id) {
    const auto handle = broker().find_queue(id);
    if (handle == nullptr) return {};
    handle->counters(now());
    auto views = handle->peek(0, SIZE_MAX);
    for (engine::MessageView& view : views) {
        if (view.payload.has_bytes()) continue;
        tally_.hit(Probe::body_in_the_log);
        view.payload = broker().with_bytes(view.payload);
    }
    return views;
}

/// What arrived in a queue without having been sent there.
std::vector<engine::MessageView> World::arrivals(const Queue& queue) {
    auto views = look(queue.id);
    std::erase_if(views, [&](const engine::MessageView& view) {
        return queue.messages.contains(view.sequence);
    });
    return views;
}

void World::take_dead_letters(QueueId id) {
    const Queue& queue = live_.queues.at(id);
    if (!has_dead_letter_queue(queue)) return take_moved_and_expired(id, 0, 0);
    const Queue& target = *live_.find(queue.settings.dead_letter_queue);
    const QueueId target_id = target.id;
    const Sequence before = target.last_sequence;
    for (const engine::MessageView& view : arrivals(target))
        take_moved(id, target_id, view, MovedBy::receives);
    take_moved_and_expired(id, target_id, before);
}

/// A standard queue goes on counting a message's age from its send, so it may drop a dead letter
/// that has only just come. And without a dead-letter queue (`to` is 0) a message that used up its
/// own receives is gone.
void World::take_moved_and_expired(QueueId from, QueueId to, Sequence before) {
    const Queue& source = live_.queues.at(from);
    const auto views = look(from);
    std::vector<Message> gone;
    for (const auto& [sequence, message] : source.messages) {
        const bool there = std::ranges::any_of(views, [&](const engine::MessageView& view) {
            return view.sequence == message.sequence;
        });
        if (!there) gone.push_back(message);
    }
    Sequence number = before;
    for (const Message& message : gone) {
        if (to == 0) {
            take_vanished(from, message);
            continue;
        }
        const Queue& target = live_.queues.at(to);
        const bool expires =
            !target.fifo() && message.sent_at + target.settings.engine.retention <= now();
        if (!expires || message.state != Message::State::visible || !exhausted(source, message)) {
            throw Violation(
                Invariant::nothing_lost,
                name_of(message.token) + " vanished from " + source.name + ", state " +
                    std::to_string(static_cast<int>(message.state)) +
                    (expires ? ", may expire" : "") +
                    (exhausted(source, message) ? ", exhausted" : "")
            );
        }
        // They have the numbers that those who are there do not have.
        do
            ++number;
        while (target.messages.contains(number));
        add_move(from, to, message, number, MovedBy::receives);
    }
}

void World::take_vanished(QueueId id, const Message& message) {
    const Queue& queue = live_.queues.at(id);
    if (message.state != Message::State::visible || !exhausted(queue, message)) {
        throw Violation(
            Invariant::nothing_lost, name_of(message.token) + " vanished from " + queue.name
        );
    }
    tally_.hit(Probe::gave_up);
    say("  " + name_of(message.token) + " has no receives left and is gone");
    add({.kind = Event::Kind::deleted, .queue = id, .message = message});
}

void World::take_moved(QueueId from, QueueId to, const engine::MessageView& view, MovedBy by) {
    const auto token = token_of(view.payload);
    Queue& source = live_.queues.at(from);
    Queue& target = live_.queues.at(to);
    source.advance(now());
    const Message* old = token ? live_.find_token(from, *token) : nullptr;
    if (old == nullptr) {
        throw Violation(Invariant::no_ghosts, "something moved that was not in " + source.name);
    }
    const std::string name = name_of(*token) + " from " + source.name + " to " + target.name;
    const bool may_move = by == MovedBy::consumer ? old->state == Message::State::in_flight
                          : by == MovedBy::id     ? old->state != Message::State::in_flight
                                                  : old->state == Message::State::visible;
    if (!may_move || (by == MovedBy::receives && !exhausted(source, *old))) {
        throw Violation(Invariant::dead_letter, name + " moved too early");
    }
    const bool renamed = old->renamed || by == MovedBy::task || target.fifo();
    const bool intact =
        is_intact(view.payload, scenario_.body_bytes_max, renamed) && view.group == old->group;
    if (!intact) throw Violation(Invariant::payload_intact, name + " changed on the way");
    add_move(from, to, *old, view.sequence, by);
}

void World::add_move(QueueId from, QueueId to, const Message& old, Sequence sequence, MovedBy by) {
    const Queue& target = live_.queues.at(to);
    const bool dead = by == MovedBy::receives || by == MovedBy::consumer;
    Message message = old;
    message.renamed = message.renamed || by == MovedBy::task || target.fifo();
    message.sequence = sequence;
    message.slot = std::nullopt;
    message.deliveries = 0;
    message.state = Message::State::visible;
    message.due = {};
    message.moved_in = true;
    message.cancel_requested = false;
    message.source_queue = dead ? from : 0;
    if (dead) message.traits.deadline = {};
    if (by == MovedBy::task) message.sent_at = now();
    if (!dead) {
        message.receive_count = 0;
        message.first_received_at = {};
    }
    message.unique_since = message.sent_at;
    message.ages_from = target.fifo() ? now() : message.sent_at;
    tally_.hit(
        by == MovedBy::task       ? Probe::moved_by_task
        : by == MovedBy::id       ? Probe::job_moved
        : by == MovedBy::consumer ? Probe::taken_out
                                  : Probe::dead_lettered
    );
    say("  " + name_of(old.token) + " moved to " + target.name + ", number " +
        std::to_string(message.sequence));
    add(
        {.kind = Event::Kind::moved,
         .queue = to,
         .message = message,
         .from = from,
         .from_sequence = old.sequence}
    );
}

}  // namespace tranter::store_sim
