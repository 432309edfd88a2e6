#include "model.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tranter::sim {

/// What only jobs do.

namespace {

template <class Value>
const Error* error_of(const Result<Value>& answer) {
    return answer ? nullptr : &answer.error();
}

void require_error(Invariant rule, const Error* error, Errc expected, const char* why) {
    if (error != nullptr && error->code() == expected) return;
    throw Violation(rule, std::string("not refused although ") + why);
}

}  // namespace

Model::Message* Model::held(const engine::Receipt& receipt, const Error* error) {
    Message* message = find(receipt);
    const bool issued =
        message != nullptr && receipt.delivery != 0 && receipt.delivery <= message->delivery;
    if (!issued) {
        require_error(Invariant::settling, error, Errc::not_found, "the message is gone");
        return nullptr;
    }
    if (message->state != State::in_flight || message->delivery != receipt.delivery) {
        tally_.hit(Probe::settle_refused);
        require_error(Invariant::settling, error, Errc::conflict, "the delivery is over");
        return nullptr;
    }
    if (error != nullptr) {
        throw Violation(Invariant::settling, message->content->name() + " could not be settled");
    }
    return message;
}

void Model::settle(
    const engine::Settle& settle,
    Instant now,
    const Result<engine::MessageView>& answer,
    const engine::Transfer& taken
) {
    advance(now);
    Message* message = held(settle.receipt, error_of(answer));
    if (message == nullptr) return;
    compare(*answer, *message);
    if (settle.kind == engine::Settle::Kind::put_back) return put_back(*message, settle, now);
    if (policy_.groups.fairness == engine::Fairness::aws) {
        noisy_.processed(message->group, now - message->handed_out_at, now);
    }
    if (settle.kind == engine::Settle::Kind::complete) {
        ++counted_.deleted;
        remove(message->sequence, Fate::deleted);
    } else {
        check_transfer(taken, *message, true);
        ++counted_.dead_lettered;
        remove(message->sequence, Fate::moved);
    }
}

void Model::put_back(Message& message, const engine::Settle& settle, Instant now) {
    if (ends_on_return(message, now)) return;
    if (!settle.counts && !message.taken_back) {
        message.taken_back = true;
        if (--message.receive_count == 0) message.first_received_at = {};
    }
    if (settle.delay > Duration::zero()) {
        tally_.hit(Probe::put_back_delayed);
        message.state = State::delayed;
        message.due = now + settle.delay;
    } else {
        message.state = State::visible;
        // Otherwise its place is what it was.
        if (!hold_back(message, now)) tally_.hit(Probe::put_back_in_place);
    }
    let_go(now);
}

void Model::extend(
    const engine::Receipt& receipt, Duration lease, Instant now, const Result<bool>& answer
) {
    advance(now);
    Message* message = held(receipt, error_of(answer));
    if (message == nullptr) return;
    if (*answer != message->cancel_requested) {
        throw Violation(Invariant::cancel, "who holds a message does not learn that it must stop");
    }
    message->due = now + lease;
    if (message->due > message->handed_out_at + std::chrono::hours(12)) {
        tally_.hit(Probe::extended_past_twelve_hours);
    }
}

void Model::set_note(
    const engine::Receipt& receipt, const std::string& note, Instant now, const Result<void>& answer
) {
    advance(now);
    Message* message = held(receipt, error_of(answer));
    if (message == nullptr) return;
    tally_.hit(Probe::noted);
    message->note = note;
}

Model::Message* Model::find(const engine::MessageId& id) {
    const auto found = std::ranges::find(messages_, id, &Message::id);
    return found == messages_.end() ? nullptr : &*found;
}

void Model::find(
    const engine::MessageId& id, Instant now, const std::optional<engine::MessageView>& answer
) {
    advance(now);
    const Message* message = find(id);
    if (message == nullptr && answer) throw explain_missing(answer->sequence);
    if (message == nullptr) return;
    if (!answer) throw Violation(Invariant::lookup, message->content->name() + " is not found");
    tally_.hit(Probe::found);
    compare(*answer, *message);
}

Model::Message* Model::known(const engine::MessageId& id, const Error* error) {
    Message* message = find(id);
    if (message == nullptr) {
        require_error(Invariant::lookup, error, Errc::not_found, "there is no such message");
    } else if (error != nullptr && error->code() == Errc::not_found) {
        throw Violation(Invariant::lookup, message->content->name() + " is not found");
    }
    return message;
}

void Model::cancel(
    const engine::MessageId& id, Instant now, const Result<engine::CancelResult>& answer
) {
    advance(now);
    Message* message = known(id, error_of(answer));
    if (message == nullptr) return;
    const bool runs = message->state == State::in_flight;
    const auto expected = runs ? engine::CancelResult::requested : engine::CancelResult::removed;
    if (!answer || *answer != expected) {
        throw Violation(Invariant::cancel, message->content->name() + " is cancelled otherwise");
    }
    tally_.hit(runs ? Probe::cancel_requested : Probe::cancelled_waiting);
    if (runs) {
        message->cancel_requested = true;
    } else {
        ++counted_.deleted;
        remove(message->sequence, Fate::deleted);
    }
}

void Model::promote(const engine::MessageId& id, Instant now, const Result<void>& answer) {
    advance(now);
    Message* message = known(id, error_of(answer));
    if (message == nullptr) return;
    if (message->state != State::delayed) {
        return require_error(
            Invariant::lookup, error_of(answer), Errc::conflict, "the message is not delayed"
        );
    }
    if (!answer) {
        throw Violation(Invariant::lookup, message->content->name() + " is not promoted");
    }
    tally_.hit(Probe::promoted);
    message->state = State::visible;
    make_visible(*message, now);
}

void Model::take_out(
    const engine::MessageId& id, Instant now, const Result<engine::Transfer>& answer
) {
    advance(now);
    const Message* message = known(id, error_of(answer));
    if (message == nullptr) return;
    if (message->state == State::in_flight) {
        return require_error(
            Invariant::lookup, error_of(answer), Errc::conflict, "the message is in flight"
        );
    }
    if (!answer) {
        throw Violation(Invariant::lookup, message->content->name() + " is not taken out");
    }
    tally_.hit(Probe::taken_out);
    check_transfer(*answer, *message, false);
    remove(message->sequence, Fate::moved);
}

void Model::give_back(
    const Content& content,
    const engine::Transfer& transfer,
    Instant now,
    const engine::Sent& answer
) {
    advance(now);
    tally_.hit(Probe::given_back);
    if (answer.sequence != transfer.source_sequence) {
        throw Violation(Invariant::answers, content.name() + " came back with another number");
    }
    fates_[answer.sequence - 1] = Fate::held;
    const auto after = std::ranges::find_if(messages_, [&](const Message& message) {
        return message.sequence > answer.sequence;
    });
    const auto message = messages_.insert(
        after,
        {.content = &content,
         .id = transfer.payload.id(),
         .group = transfer.group,
         .sequence = answer.sequence,
         .slot = answer.slot,
         .sent_at = transfer.sent_at,
         .arrived_at = now,
         .first_received_at = transfer.first_received_at,
         .handed_out_at = transfer.received_at,
         .receive_count = transfer.receive_count,
         .delivery = transfer.deliveries,
         .source_queue = transfer.source_queue,
         .ages_from = fifo() ? now : transfer.sent_at,
         .moved_in = true,
         .taken_back = transfer.taken_back,
         .traits = transfer.traits,
         .note = transfer.note,
         .unique_since = transfer.sent_at}
    );
    make_visible(*message, now);
    noisy_.sent(message->group, now);
}

void Model::list(
    engine::Sequence after, std::size_t max, const std::vector<engine::MessageView>& views
) const {
    std::size_t at = 0;
    bool there = after == 0;
    for (const Message& message : messages_) {
        there |= message.sequence == after;
        if (message.sequence <= after || at == max) continue;
        if (at == views.size() || views[at].sequence != message.sequence) {
            throw Violation(Invariant::lookup, message.content->name() + " is not listed");
        }
        compare(views[at], message);
        ++at;
    }
    if (!there && at > 0) tally_.hit(Probe::listed_after_gone);
    if (at != views.size()) throw Violation(Invariant::lookup, "the list is too long");
}

void Model::restart(Instant now) {
    tally_.hit(Probe::restarted);
    now_ = now;
    const std::size_t messages = messages_.size();
    counted_ = {};
    attempts_.clear();
    turns_.clear();
    noisy_.clear();
    for (const Message& message : messages_)
        noisy_.sent(message.group, message.arrived_at);
    restore_places(now);
    std::vector<engine::Sequence> stopped;
    for (const Message& message : messages_) {
        if (message.cancel_requested && message.state == State::visible) {
            stopped.push_back(message.sequence);
        }
    }
    for (const engine::Sequence sequence : stopped)
        end(*find(sequence), engine::Ended::Why::cancelled);
    advance(now);
    if (messages_.size() < messages) tally_.hit(Probe::ended_during_restart);
}

/// What became visible meanwhile stands where it would stand had somebody looked. What is still in
/// flight lost its place, and gets that of its time of sending.
void Model::restore_places(Instant now) {
    std::vector<std::tuple<Instant, int, engine::Sequence>> order;
    for (Message& message : messages_) {
        if (message.state == State::visible) {
            order.emplace_back(Instant(Duration(message.place)), 1, message.sequence);
        } else if (message.due <= now) {
            message.state = State::visible;
            order.emplace_back(message.due, 0, message.sequence);
        } else if (message.state == State::in_flight) {
            order.emplace_back(message.sent_at, 2, message.sequence);
        }
    }
    std::erase_if(order, [this](const auto& entry) {
        return hold_back(*find(std::get<2>(entry)), std::get<0>(entry));
    });
    std::ranges::sort(order);
    first_place_ = last_place_ = 0;
    if (fifo() || order.empty()) return;
    std::int64_t last = std::get<0>(order.front()).time_since_epoch().count() - 1;
    for (const auto& [since, kind, sequence] : order) {
        last = std::max(last + 1, since.time_since_epoch().count());
        find(sequence)->place = last;
        first_place_ = std::min(first_place_, last);
        last_place_ = std::max(last_place_, last);
    }
}

}  // namespace tranter::sim
