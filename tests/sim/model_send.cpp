#include "model.hpp"

#include <algorithm>
#include <utility>

namespace tranter::sim {

using engine::Uniqueness;

void Model::send(
    const Content& content,
    const engine::SendOptions& options,
    Instant now,
    const Result<engine::Sent>& answer
) {
    advance(now);
    const bool deduplicates = fifo() && !content.deduplication_id.empty();
    std::string key = content.deduplication_id;
    if (policy_.deduplication_scope == engine::DeduplicationScope::message_group) {
        key = std::string(options.group) + "/" + key;
    }
    const auto remember = [&] {
        if (!deduplicates) return;
        if (!ids_seen_.insert(key).second) tally_.hit(Probe::sent_again_after_window);
        deduplication_.push_back({.key = key, .first = *answer, .sent_at = now});
    };
    if (const Remembered* first = deduplicates ? remembered(key, now) : nullptr) {
        tally_.hit(Probe::deduplicated);
        ++counted_.deduplicated;
        if (!answer || !answer->duplicate || answer->id != first->first.id ||
            answer->sequence != first->first.sequence) {
            throw Violation(
                Invariant::deduplication, content.name() + " is a duplicate inside its window"
            );
        }
        return;
    }
    if (meets_key(content, options, now, answer)) {
        ++counted_.deduplicated;
        if (answer->replaced) remember();
        return;
    }
    if (answer && (answer->duplicate || answer->replaced)) {
        const bool unique = options.traits != nullptr && !options.traits->unique_key.empty();
        throw Violation(
            unique ? Invariant::uniqueness : Invariant::deduplication,
            content.name() + " is no duplicate"
        );
    }
    const std::string group(options.group);
    if (queued_limit_refuses(group, answer)) return;
    if (answer->id != content.id) {
        throw Violation(
            Invariant::payload_intact, content.name() + " was answered with another id"
        );
    }
    accept_number(*answer);
    ++counted_.sent;
    remember();
    noisy_.sent(group, now);
    const engine::Traits traits = options.traits ? *options.traits : engine::Traits{};
    const Duration delay = options.delay.value_or(policy_.delay);
    Message& message = append({
        .content = &content,
        .id = content.id,
        .group = group,
        .sequence = answer->sequence,
        .slot = answer->slot,
        .sent_at = now,
        .arrived_at = now,
        .state = delay > Duration::zero() ? State::delayed : State::visible,
        .due = now + delay,
        .ages_from = now,
        .traits = traits,
        .unique_since = now,
    });
    if (message.state == State::visible) make_visible(message, now);
    if (traits.uniqueness == Uniqueness::throttle && traits.unique_for > Duration::zero()) {
        throttles_.push_back(
            {.key = traits.unique_key, .first = *answer, .ends_at = now + traits.unique_for}
        );
    }
}

bool Model::queued_limit_refuses(const std::string& group, const Result<engine::Sent>& answer) {
    const auto queued = std::ranges::count_if(messages_, [&](const Message& message) {
        return message.group == group && message.state != State::in_flight;
    });
    const std::uint32_t limit = policy_.groups.max_queued_per_group;
    const bool full = limit != 0 && !group.empty() && queued >= limit;
    if (full) tally_.hit(Probe::group_queued_limit);
    if (full != !answer || (!answer && answer.error().code() != Errc::limit_exceeded)) {
        throw Violation(
            Invariant::limits,
            "group " + group + " holds " + std::to_string(static_cast<std::uint64_t>(queued)) +
                " queued messages of at most " + std::to_string(limit)
        );
    }
    return full;
}

bool Model::meets_key(
    const Content& content,
    const engine::SendOptions& options,
    Instant now,
    const Result<engine::Sent>& answer
) {
    if (options.traits == nullptr) return false;
    const engine::Traits& traits = *options.traits;
    if (traits.uniqueness == Uniqueness::none || traits.unique_key.empty()) return false;
    if (traits.uniqueness == Uniqueness::throttle) {
        const auto entry = std::ranges::find(throttles_, traits.unique_key, &Throttle::key);
        if (entry == throttles_.end()) return false;
        tally_.hit(Probe::throttled);
        if (find(entry->first.sequence) == nullptr) tally_.hit(Probe::throttled_without_message);
        require_duplicate(content, entry->first, answer);
        return true;
    }
    if (traits.uniqueness == Uniqueness::simple) {
        const Message* first = newest_with(traits.unique_key, true);
        if (first == nullptr) return false;
        tally_.hit(Probe::key_held);
        require_duplicate(
            content, {.id = first->id, .sequence = first->sequence, .slot = first->slot}, answer
        );
        return true;
    }
    Message* old = newest_with(traits.unique_key, false);
    if (old == nullptr) return false;
    replace(content, *old, options, now, answer);
    return true;
}

Model::Message* Model::newest_with(const std::string& key, bool in_flight_too) {
    Message* newest = nullptr;
    for (Message& message : messages_) {
        const engine::Traits& traits = message.traits;
        if (traits.uniqueness == Uniqueness::none || traits.unique_key != key) continue;
        if (in_flight_too || message.state != State::in_flight) newest = &message;
    }
    return newest;
}

void Model::require_duplicate(
    const Content& content, const engine::Sent& first, const Result<engine::Sent>& answer
) {
    if (answer && answer->duplicate && !answer->replaced && answer->id == first.id &&
        answer->sequence == first.sequence && answer->slot == first.slot) {
        return;
    }
    throw Violation(
        Invariant::uniqueness,
        content.name() + " is a duplicate of message " + std::to_string(first.sequence)
    );
}

void Model::replace(
    const Content& content,
    Message& old,
    const engine::SendOptions& options,
    Instant now,
    const Result<engine::Sent>& answer
) {
    const bool right = answer && !answer->duplicate && answer->replaced && answer->id == old.id &&
                       answer->replaced->sequence == old.sequence &&
                       answer->replaced->slot == old.slot;
    if (!right) {
        throw Violation(
            Invariant::uniqueness,
            content.name() + " takes the place of message " + std::to_string(old.sequence)
        );
    }
    const Message before = std::move(old);
    const engine::Traits& traits = *options.traits;
    Message next{
        .content = &content,
        .id = before.id,
        .group = std::string(options.group),
        .sequence = answer->sequence,
        .slot = answer->slot,
        .sent_at = now,
        .arrived_at = now,
        .state = before.state,
        .due = before.due,
        .place = before.place,
        .ages_from = now,
        .traits = traits,
        .unique_since = before.unique_since,
    };
    if (traits.uniqueness == Uniqueness::debounce) {
        next.due = now + options.delay.value_or(policy_.delay);
        const Instant limit = before.unique_since + traits.unique_for;
        if (traits.unique_for > Duration::zero() && limit < next.due) {
            tally_.hit(Probe::debounce_limit);
            next.due = limit;
        }
        next.state = next.due > now ? State::delayed : State::visible;
    }
    const bool same_line =
        !fifo() && next.group == before.group && next.traits.priority == before.traits.priority;
    const bool stays = same_line && next.state == State::visible &&
                       before.state == State::visible && !before.held && !must_yield(next);
    tally_.hit(stays ? Probe::replaced_in_place : Probe::replaced_elsewhere);
    // One that stays in its line is not missed there for a moment, so its group keeps its turn.
    fates_[before.sequence - 1] = Fate::replaced;
    std::erase_if(messages_, [&](const Message& held) { return held.sequence == before.sequence; });
    if (!stays) see_what_is_available();
    accept_number(*answer);
    Message& message = append(std::move(next));
    const bool last = std::ranges::none_of(messages_, [&](const Message& held) {
        return held.group == before.group;
    });
    if (last) noisy_.forget(before.group);
    noisy_.sent(message.group, now);
    if (message.state == State::visible && !stays) make_visible(message, now);
}

}  // namespace tranter::sim
