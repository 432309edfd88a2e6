#include "model_batch.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace tranter::sim {

/// Who may be handed out next: the rules of order and fairness.

bool Model::group_is_full(const Batch& batch, const std::string& group) const {
    const std::uint32_t limit = policy_.groups.max_in_flight_per_group;
    if (limit == 0 || group.empty()) return false;
    if (in_flight(group) >= limit) return true;
    if (!fifo()) return false;
    // A FIFO answer holds no more of a group than its limit, even without a lease.
    const auto handed_out = std::ranges::count_if(messages_, [&](const Message& message) {
        return message.group == group && batch.delivered.contains(message.sequence);
    });
    return handed_out >= limit;
}

bool Model::waits(const Batch& batch, const Message& message) const {
    return message.state == State::visible && !message.held &&
           !batch.delivered.contains(message.sequence);
}

std::optional<Violation> Model::refusal(const Batch& batch, const Message& message) {
    const std::string body = message.content->name();
    if (batch.delivered.contains(message.sequence)) {
        return Violation(Invariant::lease, body + " is twice in one answer");
    }
    if (message.state == State::delayed) {
        return Violation(Invariant::delay, body + " is handed out before its delay ends");
    }
    if (message.state == State::in_flight) {
        return Violation(Invariant::lease, body + " is handed out while it is leased");
    }
    if (message.held) {
        return Violation(
            Invariant::uniqueness, body + " is handed out beside another one with its key"
        );
    }
    if (auto refused = fifo() ? fifo_refusal(batch, message) : standard_refusal(batch, message)) {
        return refused;
    }
    if (group_is_full(batch, message.group)) {
        return Violation(Invariant::limits, body + " is over the limit of its group");
    }
    return std::nullopt;
}

std::optional<Violation> Model::fifo_refusal(const Batch& batch, const Message& message) const {
    for (const Message& earlier : messages_) {
        if (earlier.sequence >= message.sequence) break;
        if (earlier.group != message.group || batch.delivered.contains(earlier.sequence)) continue;
        return Violation(
            earlier.state == State::visible ? Invariant::fifo_order : Invariant::group_lock,
            message.content->name() + " comes before " + earlier.content->name() + " of its group"
        );
    }
    if (!batch.any || batch.last_group == message.group) return std::nullopt;
    // The answer is filled up from one group before the next begins.
    if (const Message* left = fifo_available(batch, batch.last_group)) {
        return Violation(
            Invariant::fifo_order,
            message.content->name() + " comes while " + left->content->name() + " could follow"
        );
    }
    return std::nullopt;
}

const Model::Message* Model::fifo_available(const Batch& batch, const std::string& group) const {
    for (const Message& message : messages_) {
        if (message.group != group || batch.delivered.contains(message.sequence)) continue;
        const bool waiting = message.state == State::visible && !message.held;
        if (waiting && !group_is_full(batch, group)) return &message;
        if (waiting) tally_.hit(Probe::group_in_flight_limit);
        return nullptr;
    }
    return nullptr;
}

std::optional<Violation> Model::standard_refusal(const Batch& batch, const Message& message) {
    const std::string body = message.content->name();
    if (policy_.groups.fairness != engine::Fairness::round_robin) {
        const Message* first = first_in_line(batch);
        if (first == &message) return std::nullopt;
        const bool by_place = policy_.groups.fairness == engine::Fairness::off;
        const bool by_level = first != nullptr && message.place < first->place &&
                              message.traits.priority != first->traits.priority;
        return Violation(
            by_level   ? Invariant::priority
            : by_place ? Invariant::visible_order
                       : Invariant::fairness,
            body + " comes before " + (first == nullptr ? "its turn" : first->content->name())
        );
    }
    for (const Message& other : messages_) {
        if (other.group != message.group || !waits(batch, other)) continue;
        if (before(other, message)) {
            return Violation(
                other.place < message.place ? Invariant::visible_order : Invariant::priority,
                body + " comes before " + other.content->name() + " of its group"
            );
        }
    }
    see_who_waits(batch);
    if (!exhausted(batch, message) && !turns_.may_serve(message.group)) {
        return Violation(
            Invariant::fairness, body + " is the second of its group while another group waits"
        );
    }
    return std::nullopt;
}

/// Under round_robin: must be called whenever that may have changed.
void Model::see_who_waits(const Batch& batch) {
    if (fifo() || policy_.groups.fairness != engine::Fairness::round_robin) return;
    std::set<std::string> parties;
    for (const Message& message : messages_) {
        const bool available = waits(batch, message) && !group_is_full(batch, message.group);
        if (available) parties.insert(message.group);
    }
    turns_.waiting(parties);
}

/// Who comes next under the policies `off` and `aws`.
const Model::Message* Model::first_in_line(const Batch& batch) {
    const bool aws = policy_.groups.fairness == engine::Fairness::aws;
    if (aws) noisy_.quiet_the_silent(batch.now);
    for (;;) {
        const Message* quiet = nullptr;
        const Message* noisy = nullptr;
        for (const Message& message : messages_) {
            if (!waits(batch, message)) continue;
            if (group_is_full(batch, message.group)) {
                tally_.hit(Probe::group_in_flight_limit);
                continue;
            }
            if (noisy_.is_noisy(message.group)) {
                if (noisy == nullptr || before_among_noisy(message, *noisy)) noisy = &message;
            } else if (quiet == nullptr || before(message, *quiet)) {
                quiet = &message;
            }
        }
        if (quiet == nullptr) return noisy;
        const std::string& group = quiet->group;
        if (aws && !group.empty()) {
            const auto noise = noisy_.turns_noisy(group, in_flight(group), in_flight(), batch.now);
            if (noise == NoisyRule::Reason::in_flight) tally_.hit(Probe::noisy_in_flight);
            if (noise == NoisyRule::Reason::busy) tally_.hit(Probe::noisy_busy);
            if (noise != NoisyRule::Reason::none) continue;
        }
        if (noisy != nullptr && noisy->place < quiet->place) tally_.hit(Probe::noisy_group_waited);
        return quiet;
    }
}

bool Model::before_among_noisy(const Message& left, const Message& right) const {
    const std::uint32_t left_in_flight = in_flight(left.group);
    const std::uint32_t right_in_flight = in_flight(right.group);
    if (left_in_flight != right_in_flight) return left_in_flight < right_in_flight;
    return before(left, right);
}

/// A level of priority is worth some waiting; who was taken back goes before all others.
std::pair<std::int64_t, int> Model::virtual_place(const Message& message) const {
    constexpr Duration millennium = std::chrono::hours(24 * 365 * 1000);
    const std::int64_t level = std::min(policy_.priority_aging, millennium).count();
    const int priority = message.traits.priority;
    if (message.place < 0) return {message.place, priority};
    return {message.place + priority * level, priority};
}

bool Model::before(const Message& left, const Message& right) const {
    return virtual_place(left) < virtual_place(right);
}

void Model::see_what_priority_did(const Message& message) const {
    if (fifo() || message.place < 0) return;
    for (const Message& other : messages_) {
        const int levels = other.traits.priority - message.traits.priority;
        if (other.state != State::visible || other.place < 0 || levels == 0) continue;
        if (levels > 0 && other.place < message.place) tally_.hit(Probe::urgent_went_first);
        if (levels < 0 && other.place > message.place) tally_.hit(Probe::aged_went_first);
    }
}

/// Something that could still be handed out; null when there is nothing.
const Model::Message* Model::available(const Batch& batch) {
    if (!fifo() && policy_.groups.fairness != engine::Fairness::round_robin) {
        return first_in_line(batch);
    }
    for (const Message& message : messages_) {
        if (!waits(batch, message)) continue;
        if (!fifo() && !group_is_full(batch, message.group)) return &message;
        if (!fifo()) tally_.hit(Probe::group_in_flight_limit);
        if (fifo() && fifo_available(batch, message.group) == &message) return &message;
    }
    return nullptr;
}

/// A group of which nothing is available is not noisy any more.
void Model::quiet_the_served(const Batch& batch) {
    const std::set<std::string> noisy = noisy_.noisy();
    for (const std::string& group : noisy) {
        const bool available = std::ranges::any_of(messages_, [&](const Message& message) {
            return message.group == group && waits(batch, message);
        });
        if (!available || group_is_full(batch, group)) noisy_.quiet(group);
    }
}

/// Both of the above between two receives.
void Model::see_what_is_available() {
    const engine::ReceiveOptions options;
    const engine::Received answer;
    const Batch nobody{.options = options, .now = {}, .answer = answer};
    quiet_the_served(nobody);
    see_who_waits(nobody);
}

/// Whether the message could be handed out next, but is exhausted.
bool Model::is_dead_next(const Batch& batch, const Message& message) {
    return waits(batch, message) && exhausted(batch, message) && !refusal(batch, message);
}

/// Of a receive that stopped before a dead letter, or that wanted nothing else.
void Model::require_dead_end(const Batch& batch) {
    const engine::Sequence until = batch.options.only_dead_until;
    const bool limited = policy_.max_in_flight != 0 && in_flight() >= policy_.max_in_flight;
    if (limited && batch.answer.dead_left) {
        throw Violation(Invariant::answers, "a dead letter is left although none may be moved");
    }
    if (limited) return;
    available(batch);  // a look shows who is noisy
    bool left = false;
    bool alive = false;
    for (const Message& message : messages_) {
        left |= is_dead_next(batch, message) && (until == 0 || message.sequence <= until);
        alive |= waits(batch, message) && !exhausted(batch, message) && !refusal(batch, message);
    }
    // A standard queue does not look past what it leaves.
    const bool looked = until != 0 && fifo() && !batch.answer.dead_left;
    if (batch.answer.alive_left ? until == 0 || !alive : looked && alive) {
        throw Violation(Invariant::answers, "alive_left says something else than the queue");
    }
    const bool most = batch.answer.dead.size() == batch.options.dead_max;
    if (batch.answer.dead_left) {
        tally_.hit(Probe::dead_left);
        if (left && most) return;
        throw Violation(Invariant::answers, "no dead letter is left that could be moved");
    }
    // Whose turn it is among several groups is the engine's choice.
    const bool by_turns = !fifo() && policy_.groups.fairness == engine::Fairness::round_robin;
    if (left && !by_turns) {
        throw Violation(Invariant::dead_letter, "a dead letter could be moved and is not");
    }
}

void Model::require_end(const Batch& batch) {
    see_who_waits(batch);
    const bool limited = policy_.max_in_flight != 0 && in_flight() >= policy_.max_in_flight;
    if (limited) tally_.hit(Probe::in_flight_limit);
    const bool nothing = batch.answer.deliveries.empty();
    if (batch.answer.over_limit != (nothing && limited)) {
        throw Violation(Invariant::answers, "over_limit says something else than the limit");
    }
    if (batch.answer.dead.size() > batch.options.dead_max) {
        throw Violation(Invariant::limits, "more dead letters than one call may take out");
    }
    const bool dead_only = batch.options.only_dead_until != 0;
    if (dead_only && !nothing) throw Violation(Invariant::answers, "more than dead letters");
    if (batch.answer.dead_left || dead_only) return require_dead_end(batch);
    if (batch.full() || limited) return;
    if (const Message* left = available(batch)) {
        const bool dead = exhausted(batch, *left);
        throw Violation(
            dead ? Invariant::dead_letter : Invariant::nothing_lost,
            left->content->name() + " could be handed out and is not"
        );
    }
    const bool more = std::ranges::any_of(messages_, [&](const Message& message) {
        return waits(batch, message);
    });
    if (more && fifo())
        tally_.hit(nothing ? Probe::blocked_group_skipped : Probe::stopped_before_leased);
}

}  // namespace tranter::sim
