#include "model_batch.hpp"

#include <algorithm>
#include <utility>

namespace tranter::sim {

namespace {

/// As engine::Delivery::first_received_at says.
Duration rounded(Duration time) {
    constexpr std::chrono::milliseconds fine(std::int64_t{1} << 31);
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time);
    if (millis < fine) return millis;
    constexpr std::chrono::seconds most((std::int64_t{1} << 31) - 2);
    return std::min(std::chrono::duration_cast<std::chrono::seconds>(time), most);
}

}  // namespace

bool Model::exhausted(const Batch& batch, const Message& message) const {
    // A dead letter may be looked at.
    const std::uint32_t own = message.source_queue == 0 ? message.traits.max_receives : 0;
    if (own != 0) return message.receive_count >= own;
    return policy_.max_receives != 0 && message.receive_count >= policy_.max_receives &&
           !batch.options.keep_exhausted;
}

void Model::receive(
    const engine::ReceiveOptions& options, Instant now, const engine::Received& answer
) {
    advance(now);
    if (policy_.paused) {
        tally_.hit(Probe::receive_while_paused);
        ++counted_.empty_receives;
        if (answer.deliveries.empty() && answer.dead.empty() && !answer.over_limit) return;
        throw Violation(Invariant::paused, "a paused queue hands out");
    }
    if (repeats_attempt(options, now, answer)) return;

    Batch batch{.options = options, .now = now, .answer = answer};
    consume(batch);
    require_end(batch);

    tally_.deliveries += answer.deliveries.size();
    counted_.received += answer.deliveries.size();
    counted_.dead_lettered += answer.dead.size();
    if (answer.deliveries.empty()) ++counted_.empty_receives;
    if (fifo() && !options.attempt_id.empty() && !answer.deliveries.empty()) {
        std::erase_if(attempts_, [&](const Attempt& attempt) {
            return attempt.id == options.attempt_id;
        });
        Attempt attempt{.id = std::string(options.attempt_id), .made_at = now};
        for (const auto& delivery : answer.deliveries) {
            attempt.handed.push_back({delivery.receipt, delivery.visible_at});
        }
        attempts_.push_back(std::move(attempt));
    }
}

bool Model::repeats_attempt(
    const engine::ReceiveOptions& options, Instant now, const engine::Received& answer
) {
    if (!fifo() || options.attempt_id.empty()) return false;
    const auto attempt = std::ranges::find(attempts_, options.attempt_id, &Attempt::id);
    if (attempt == attempts_.end()) return false;
    const bool lives = std::ranges::all_of(attempt->handed, [&](const Attempt::Handed& handed) {
        const Message* message = find(handed.receipt);
        return message != nullptr && message->state == State::in_flight &&
               message->delivery == handed.receipt.delivery && message->due == handed.visible_at;
    });
    if (!lives) {
        tally_.hit(Probe::attempt_lapsed);
        return false;
    }
    tally_.hit(Probe::attempt_repeated);
    const Duration timeout = options.visibility_timeout.value_or(policy_.visibility_timeout);
    const bool same = std::ranges::equal(
        answer.deliveries,
        attempt->handed,
        {},
        &engine::Delivery::receipt,
        &Attempt::Handed::receipt
    );
    if (!same || !answer.dead.empty()) {
        throw Violation(
            Invariant::attempt_id, "a repeated receive request did not get the same deliveries"
        );
    }
    for (const engine::Delivery& delivery : answer.deliveries) {
        Message* message = find(delivery.receipt);
        if (delivery.visible_at != now + timeout ||
            delivery.receive_count != message->receive_count ||
            !message->content->equals(delivery.payload, message->id)) {
            throw Violation(Invariant::attempt_id, "a repeated delivery is not like the first");
        }
        message->due = now + timeout;
    }
    for (Attempt::Handed& handed : attempt->handed) {
        handed.visible_at = now + timeout;
        ++handed.answers;
    }
    return true;
}

bool Model::has_other_answer(const engine::Receipt& receipt) {
    for (Attempt& attempt : attempts_) {
        for (Attempt::Handed& handed : attempt.handed) {
            if (handed.receipt != receipt || handed.answers == 1) continue;
            --handed.answers;
            return true;
        }
    }
    return false;
}

void Model::consume(Batch& batch) {
    auto dead = batch.answer.dead.begin();
    auto delivery = batch.answer.deliveries.begin();
    const auto dead_end = batch.answer.dead.end();
    const auto delivery_end = batch.answer.deliveries.end();
    while (dead != dead_end || delivery != delivery_end) {
        const Message* candidate = dead == dead_end ? nullptr : find(dead->source_sequence);
        const bool allowed = candidate != nullptr && !refusal(batch, *candidate);
        if (allowed || delivery == delivery_end) {
            consume_dead(batch, *dead++);
        } else {
            consume_delivery(batch, *delivery++);
        }
    }
}

Violation Model::explain_missing(engine::Sequence sequence) const {
    if (sequence == 0 || sequence > fates_.size()) {
        return {Invariant::no_ghosts, "a message that was never sent"};
    }
    const std::string text = "message " + std::to_string(sequence) + " was ";
    switch (fates_[sequence - 1]) {
        case Fate::deleted:
            return {Invariant::no_ghosts, text + "deleted"};
        case Fate::expired:
            return {Invariant::retention, text + "expired"};
        case Fate::purged:
            return {Invariant::no_ghosts, text + "purged"};
        case Fate::moved:
            return {Invariant::dead_letter, text + "moved away"};
        case Fate::replaced:
            return {Invariant::uniqueness, text + "replaced"};
        case Fate::too_late:
            return {Invariant::deadline, text + "too late"};
        case Fate::cancelled:
            return {Invariant::cancel, text + "cancelled"};
        case Fate::held:
            break;
    }
    return {Invariant::no_ghosts, text + "lost"};
}

/// `dead`: on its way to a dead-letter queue, where it has no deadline.
void Model::check_transfer(const engine::Transfer& transfer, const Message& message, bool dead)
    const {
    if (!message.content->equals(transfer.payload, message.id) || transfer.group != message.group ||
        transfer.sent_at != message.sent_at || transfer.source_queue != message.source_queue ||
        transfer.source_slot != message.slot ||
        transfer.first_received_at != message.first_received_at) {
        throw Violation(
            Invariant::payload_intact, message.content->name() + " was changed by a move"
        );
    }
    engine::Traits traits = message.traits;
    if (dead) traits.deadline = {};
    if (transfer.traits != traits || transfer.note != message.note) {
        throw Violation(Invariant::notes, message.content->name() + " lost something by a move");
    }
    if (transfer.receive_count != message.receive_count) {
        throw Violation(Invariant::receive_count, message.content->name() + " was counted wrong");
    }
}

void Model::consume_dead(Batch& batch, const engine::Transfer& transfer) {
    const Message* message = find(transfer.source_sequence);
    if (message == nullptr) throw explain_missing(transfer.source_sequence);
    if (!exhausted(batch, *message)) {
        throw Violation(
            Invariant::dead_letter,
            message->content->name() + " is dead after " + std::to_string(message->receive_count) +
                " of " + std::to_string(policy_.max_receives) + " or its own " +
                std::to_string(message->traits.max_receives) + " deliveries"
        );
    }
    if (auto refused = refusal(batch, *message)) throw Violation(*refused);
    check_transfer(transfer, *message, true);
    tally_.hit(Probe::dead_lettered);
    if (message->traits.max_receives != 0) tally_.hit(Probe::own_receive_limit);
    remove(message->sequence, Fate::moved);
    quiet_the_served(batch);
}

void Model::consume_delivery(Batch& batch, const engine::Delivery& delivery) {
    Message* message = find(delivery.receipt);
    if (message == nullptr) throw explain_missing(delivery.receipt.sequence);
    const std::string body = message->content->name();
    if (delivery.receipt.delivery <= message->delivery) {
        throw Violation(
            batch.options.attempt_id.empty() ? Invariant::receipts : Invariant::attempt_id,
            body + " was handed out twice under one receipt"
        );
    }
    if (batch.full()) throw Violation(Invariant::limits, "more messages than asked for");
    if (exhausted(batch, *message)) {
        throw Violation(
            Invariant::dead_letter,
            body + " is delivered again after " + std::to_string(message->receive_count)
        );
    }
    if (auto refused = refusal(batch, *message)) throw Violation(*refused);
    see_what_priority_did(*message);
    if (policy_.max_in_flight != 0 && in_flight() >= policy_.max_in_flight) {
        throw Violation(Invariant::limits, body + " is over the in-flight limit");
    }
    hand_out(batch, *message, delivery);
}

void Model::hand_out(Batch& batch, Message& message, const engine::Delivery& delivery) {
    const std::string body = message.content->name();
    const Duration timeout = batch.options.visibility_timeout.value_or(policy_.visibility_timeout);
    if (message.first_received_at == Instant{}) {
        message.first_received_at = message.sent_at + rounded(batch.now - message.sent_at);
    }
    if (delivery.receive_count != ++message.receive_count) {
        throw Violation(
            Invariant::receive_count,
            body + " has receive count " + std::to_string(delivery.receive_count) + ", not " +
                std::to_string(message.receive_count)
        );
    }
    if (delivery.note != message.note) {
        throw Violation(Invariant::notes, body + " came with another note");
    }
    if (!message.content->equals(delivery.payload, message.id) || delivery.group != message.group ||
        delivery.sent_at != message.sent_at || delivery.source_queue != message.source_queue) {
        throw Violation(Invariant::payload_intact, body + " came out changed");
    }
    if (delivery.first_received_at != message.first_received_at ||
        delivery.visible_at != batch.now + timeout) {
        throw Violation(Invariant::answers, body + " came with other times");
    }
    message.delivery = delivery.receipt.delivery;
    message.handed_out_at = batch.now;
    message.taken_back = false;
    if (timeout > Duration::zero()) {
        message.state = State::in_flight;
        message.due = batch.now + timeout;
        hold_back_others();
    } else {
        tally_.hit(Probe::zero_visibility);
        make_visible(message, batch.now);
    }
    batch.delivered.insert(message.sequence);
    batch.last_group = message.group;
    batch.any = true;
    quiet_the_served(batch);
    if (policy_.groups.fairness == engine::Fairness::round_robin && !fifo()) {
        tally_.hit(Probe::round_robin_turn);
        turns_.served(message.group);
    }
}

}  // namespace tranter::sim
