#include "model.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace tranter::sim {

namespace {

constexpr Duration lease_max = std::chrono::hours(12);

}  // namespace

Model::Model(const engine::QueuePolicy& policy, Tally& tally) : policy_(policy), tally_(tally) {}

Model::Message* Model::find(engine::Sequence sequence) {
    for (Message& message : messages_) {
        if (message.sequence == sequence) return &message;
    }
    return nullptr;
}

Model::Message* Model::find(const engine::Receipt& receipt) {
    Message* message = find(receipt.sequence);
    return message != nullptr && message->slot == receipt.slot ? message : nullptr;
}

std::uint32_t Model::in_flight() const {
    return static_cast<std::uint32_t>(std::ranges::count(
        messages_, State::in_flight, [](const Message& message) { return message.state; }
    ));
}

std::uint32_t Model::in_flight(const std::string& group) const {
    std::uint32_t count = 0;
    for (const Message& message : messages_) {
        if (message.state == State::in_flight && message.group == group) ++count;
    }
    return count;
}

Instant Model::expires_at(const Message& message) const {
    if (policy_.retention == Duration::zero()) return Instant::max();
    return message.ages_from + policy_.retention;
}

void Model::remove(engine::Sequence sequence, Fate fate) {
    fates_[sequence - 1] = fate;
    const auto found =
        std::ranges::find(messages_, sequence, [](const Message& held) { return held.sequence; });
    const std::string group = found->group;
    messages_.erase(found);
    let_go(now_);
    const bool last =
        std::ranges::none_of(messages_, [&](const Message& held) { return held.group == group; });
    if (last) noisy_.forget(group);
}

/// Numbers follow one another without a gap, and no two held messages share a slot.
void Model::accept_number(const engine::Sent& answer) {
    const engine::Sequence expected = fates_.size() + 1;
    if (answer.sequence != expected) {
        throw Violation(
            Invariant::answers,
            "message got sequence " + std::to_string(answer.sequence) + ", not " +
                std::to_string(expected)
        );
    }
    for (const Message& message : messages_) {
        if (message.slot == answer.slot) {
            throw Violation(
                Invariant::receipts, "two messages in slot " + std::to_string(answer.slot)
            );
        }
    }
    fates_.push_back(Fate::held);
}

bool Model::must_yield(const Message& message) const {
    using engine::Uniqueness;
    const engine::Traits& traits = message.traits;
    const bool yields = traits.uniqueness == Uniqueness::keep_latest &&
                        !traits.unique_key.empty() && message.source_queue == 0;
    if (!yields || message.state != State::visible) return false;
    return std::ranges::any_of(messages_, [&](const Message& other) {
        return other.state == State::in_flight && other.traits.unique_key == traits.unique_key &&
               other.traits.uniqueness != Uniqueness::none;
    });
}

bool Model::hold_back(Message& message, Instant since) {
    message.held = must_yield(message);
    if (!message.held) return false;
    tally_.hit(Probe::held_back);
    message.place = since.time_since_epoch().count();
    return true;
}

void Model::hold_back_others() {
    for (Message& message : messages_) {
        if (message.held || !must_yield(message)) continue;
        tally_.hit(Probe::held_in_line);
        hold_back(message, now_);
    }
}

void Model::let_go(Instant since) {
    for (Message& message : messages_) {
        if (!message.held || must_yield(message)) continue;
        tally_.hit(Probe::let_go);
        make_visible(message, since);
    }
}

/// Places are the times since when messages wait, but no two are alike.
void Model::make_visible(Message& message, Instant since) {
    if (hold_back(message, since)) return;
    last_place_ = std::max(last_place_ + 1, since.time_since_epoch().count());
    message.place = last_place_;
}

void Model::end(const Message& message, engine::Ended::Why why) {
    ended_.push_back({.message = message, .why = why});
    const bool late = why == engine::Ended::Why::expired;
    ++(late ? counted_.expired : counted_.deleted);
    remove(message.sequence, late ? Fate::too_late : Fate::cancelled);
}

bool Model::ends_on_return(const Message& message, Instant now) {
    const Instant deadline = message.traits.deadline;
    const bool late = deadline != Instant{} && deadline <= now;
    if (!message.cancel_requested && !late) return false;
    tally_.hit(message.cancel_requested ? Probe::cancelled_on_return : Probe::deadline_in_flight);
    const auto why =
        message.cancel_requested ? engine::Ended::Why::cancelled : engine::Ended::Why::expired;
    end(message, why);
    return true;
}

void Model::expire_deadlines(Instant now) {
    std::vector<engine::Sequence> late;
    for (const Message& message : messages_) {
        const Instant deadline = message.traits.deadline;
        if (deadline == Instant{} || deadline > now || message.state == State::in_flight) continue;
        late.push_back(message.sequence);
    }
    tally_.hit(Probe::deadline_waiting, late.size());
    for (const engine::Sequence sequence : late)
        end(*find(sequence), engine::Ended::Why::expired);
}

void Model::advance(Instant now) {
    now_ = now;
    expire(now);
    expire_deadlines(now);
    see_what_is_available();
    std::vector<std::pair<Instant, engine::Sequence>> due;
    for (const Message& message : messages_) {
        if (message.state != State::visible && message.due <= now) {
            due.emplace_back(message.due, message.sequence);
        }
    }
    std::ranges::sort(due);
    if (due.size() > 1) tally_.hit(Probe::several_due_at_once);
    for (const auto& [since, sequence] : due) {
        Message& message = *find(sequence);
        if (message.state == State::in_flight) tally_.hit(Probe::lease_ended);
        if (message.state == State::in_flight && ends_on_return(message, now)) continue;
        message.state = State::visible;
        make_visible(message, since);
        let_go(since);
    }
    std::erase_if(throttles_, [&](const Throttle& entry) { return entry.ends_at <= now; });
    std::erase_if(deduplication_, [&](const Remembered& entry) {
        return entry.sent_at + policy_.deduplication_window <= now;
    });
    std::erase_if(attempts_, [&](const Attempt& attempt) {
        return attempt.made_at + std::chrono::minutes(5) <= now;
    });
}

void Model::expire(Instant now) {
    // The order shows in who is let go first: those sent here, then those from other queues by age.
    std::vector<std::tuple<bool, Instant, engine::Sequence>> gone;
    for (const Message& message : messages_) {
        if (expires_at(message) > now) continue;
        if (message.state == State::in_flight) tally_.hit(Probe::expired_in_flight);
        if (message.state == State::delayed) tally_.hit(Probe::expired_delayed);
        gone.emplace_back(message.moved_in, message.ages_from, message.sequence);
    }
    std::ranges::sort(gone);
    for (const auto& [moved_in, ages_from, sequence] : gone)
        remove(sequence, Fate::expired);
    counted_.expired += gone.size();
}

Model::Message& Model::append(Message message) {
    messages_.push_back(std::move(message));
    return messages_.back();
}

const Model::Remembered* Model::remembered(const std::string& key, Instant now) {
    for (const Remembered& entry : deduplication_) {
        if (entry.key == key && entry.sent_at + policy_.deduplication_window > now) return &entry;
    }
    return nullptr;
}

void Model::acknowledge(const engine::Receipt& receipt, Instant now, const Result<bool>& answer) {
    advance(now);
    const Message* message = find(receipt);
    if (message == nullptr) {
        if (answer && *answer) {
            const bool expired = receipt.sequence - 1 < fates_.size() &&
                                 fates_[receipt.sequence - 1] == Fate::expired;
            throw Violation(
                expired ? Invariant::retention : Invariant::receipts,
                "a message was deleted that was gone"
            );
        }
        if (!answer) throw Violation(Invariant::answers, "deleting a gone message is an error");
        return;
    }
    const bool issued = receipt.delivery != 0 && receipt.delivery <= message->delivery;
    const bool current =
        message->state == State::in_flight && receipt.delivery == message->delivery;
    const bool accepted = fifo() ? current : issued;
    if (!accepted) {
        tally_.hit(issued ? Probe::stale_receipt : Probe::forged_receipt);
        if (answer && *answer) {
            throw Violation(
                Invariant::receipts,
                message->content->name() + " was deleted with a receipt that is " +
                    (issued ? "stale" : "forged")
            );
        }
        if (fifo() && issued && (answer || answer.error().code() != Errc::conflict)) {
            throw Violation(Invariant::answers, "deleting with a lapsed receipt is no conflict");
        }
        return;
    }
    if (!answer || !*answer) {
        throw Violation(Invariant::answers, message->content->name() + " could not be deleted");
    }
    if (!current) tally_.hit(Probe::deleted_after_lease);
    if (message->state == State::in_flight && policy_.groups.fairness == engine::Fairness::aws) {
        noisy_.processed(message->group, now - message->handed_out_at, now);
    }
    ++counted_.deleted;
    remove(message->sequence, Fate::deleted);
}

void Model::change_visibility(
    const engine::Receipt& receipt, Duration timeout, Instant now, const Result<void>& answer
) {
    advance(now);
    const auto require = [&](std::optional<Errc> expected, const char* why) {
        const bool right = expected ? !answer && answer.error().code() == *expected : !!answer;
        if (!right)
            throw Violation(Invariant::answers, std::string("change of visibility: ") + why);
    };
    Message* message = find(receipt);
    if (message == nullptr) return require(Errc::not_found, "the message is gone");
    if (receipt.delivery == 0 || receipt.delivery > message->delivery) {
        tally_.hit(Probe::forged_receipt);
        return require(Errc::not_found, "the receipt was never issued");
    }
    const bool latest = receipt.delivery == message->delivery;
    const bool current = latest && message->state == State::in_flight;
    if (fifo() && !current) {
        tally_.hit(Probe::stale_receipt);
        return require(Errc::conflict, "the delivery is over");
    }
    if (latest && message->state == State::delayed) {
        tally_.hit(Probe::settle_refused);
        return require(Errc::conflict, "the message was put back");
    }
    if (!latest) {
        tally_.hit(Probe::stale_receipt);
        return require(Errc::conflict, "the message was delivered again");
    }
    if (now + timeout > message->handed_out_at + lease_max) {
        tally_.hit(Probe::twelve_hours);
        return require(Errc::invalid_argument, "more than 12 hours in all");
    }
    require(std::nullopt, "refused");
    if (!current && timeout == Duration::zero()) return;
    tally_.hit(current ? Probe::lease_extended : Probe::hidden_again);
    if (timeout == Duration::zero() && ends_on_return(*message, now)) return;
    if (timeout > Duration::zero()) {
        message->state = State::in_flight;
        message->due = now + timeout;
        // One without a place in line gets one behind the others.
        if (std::exchange(message->held, false)) make_visible(*message, now);
        hold_back_others();
    } else {
        message->state = State::visible;
        make_visible(*message, now);
        let_go(now);
    }
}

void Model::take_back(const engine::Receipt& receipt, Instant now) {
    advance(now);
    Message* message = find(receipt);
    if (message == nullptr || receipt.delivery == 0 || message->delivery != receipt.delivery ||
        message->taken_back) {
        tally_.hit(Probe::take_back_refused);
        return;
    }
    if (has_other_answer(receipt)) return tally_.hit(Probe::taken_back_elsewhere);
    tally_.hit(Probe::taken_back);
    message->taken_back = true;
    ++counted_.taken_back;
    if (--message->receive_count == 0) message->first_received_at = {};
    turns_.given_back(message->group);
    if (message->state != State::in_flight || ends_on_return(*message, now)) return;
    message->state = State::visible;
    if (!hold_back(*message, now)) message->place = --first_place_;
    let_go(now);
}

void Model::move_in(
    const Content& content,
    const engine::Transfer& transfer,
    Instant now,
    const engine::Sent& answer
) {
    advance(now);
    accept_number(answer);
    ++counted_.moved_in;
    if (answer.duplicate || answer.id != transfer.payload.id()) {
        throw Violation(Invariant::deduplication, "a moved message was taken for a duplicate");
    }
    Message& message = append({
        .content = &content,
        .id = transfer.payload.id(),
        .group = transfer.group,
        .sequence = answer.sequence,
        .slot = answer.slot,
        .sent_at = transfer.sent_at,
        .arrived_at = now,
        .first_received_at = transfer.first_received_at,
        .receive_count = transfer.receive_count,
        .source_queue = transfer.source_queue,
        .ages_from = fifo() ? now : transfer.sent_at,
        .moved_in = true,
        .traits = transfer.traits,
        .note = transfer.note,
        .unique_since = transfer.sent_at,
    });
    make_visible(message, now);
    noisy_.sent(message.group, now);
}

void Model::move_out(
    const engine::MoveOut& wanted,
    std::uint32_t every,
    bool goes_on,
    Instant now,
    const MovedOut& answer
) {
    advance(now);
    if (!goes_on) move_ = {};
    if (move_.until == 0) move_.until = fates_.size();
    std::vector<engine::Sequence> expected;
    std::size_t looks = 0;
    bool all = true;
    for (const Message& message : messages_) {
        if (message.sequence <= move_.looked_at || message.sequence > move_.until) continue;
        all = expected.size() < wanted.max && looks < wanted.looks_max;
        if (!all) break;
        ++looks;
        move_.looked_at = message.sequence;
        // FIFO: nothing moves past an unfinished message of its group.
        const bool stays = message.state != State::visible;
        if (fifo() && stays) move_.blocked.insert(message.group);
        if (stays || move_.blocked.contains(message.group)) continue;
        if (message.content->token % every == 0) expected.push_back(message.sequence);
    }
    if (goes_on && looks > 0) tally_.hit(Probe::move_went_on);
    if (answer.done != all)
        throw Violation(Invariant::answers, "a move is done or not, as it says");
    const std::vector<engine::Transfer>& moved = answer.transfers;
    if (!std::ranges::equal(moved, expected, {}, &engine::Transfer::source_sequence)) {
        throw Violation(Invariant::visible_order, "other messages were moved out");
    }
    for (const engine::Transfer& transfer : moved) {
        check_transfer(transfer, *find(transfer.source_sequence), false);
        remove(transfer.source_sequence, Fate::moved);
    }
}

void Model::purge(Instant now) {
    advance(now);
    tally_.hit(Probe::purged_in_flight, in_flight());
    for (const Message& message : messages_)
        fates_[message.sequence - 1] = Fate::purged;
    messages_.clear();
    deduplication_.clear();
    throttles_.clear();
    attempts_.clear();
    turns_.clear();
    noisy_.clear();
}

void Model::set_policy(const engine::QueuePolicy& policy, Instant now) {
    advance(now);
    const engine::QueuePolicy before = policy_;
    policy_ = policy;
    policy_.groups.order = before.groups.order;
    policy_.deduplication_scope = before.deduplication_scope;
    const bool delay_changes = fifo() && policy_.delay != before.delay;
    for (Message& message : messages_) {
        if (!delay_changes || message.moved_in || message.delivery > 0) continue;
        if (message.state == State::in_flight) continue;
        tally_.hit(Probe::delay_changed);
        message.due = message.sent_at + policy_.delay;
        message.state = message.due > now ? State::delayed : State::visible;
        message.held = must_yield(message);
    }
    const std::uint64_t expired = counted_.expired;
    if (policy_.groups != before.groups || policy_.priority_aging != before.priority_aging) {
        noisy_.quiet_all();
        turns_.clear();
    }
    advance(now);
    tally_.hit(Probe::retention_lowered, counted_.expired - expired);
}

}  // namespace tranter::sim
