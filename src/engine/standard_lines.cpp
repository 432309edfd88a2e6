#include "engine/standard_lines.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tranter::engine {
namespace {

constexpr std::uint32_t noisy_in_flight_min = 30;
constexpr double noisy_busy_seconds_min = 30;
constexpr Duration noisy_silence = std::chrono::minutes(5);
constexpr Duration busy_half_life = std::chrono::minutes(1);
constexpr double weight_max = 1e30;

double half_lives(Duration elapsed) {
    return static_cast<double>(elapsed.count()) / static_cast<double>(busy_half_life.count());
}

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

bool StandardLines::ByLine::less(Slot a, Slot b) const {
    return lines->groups_[a].first < lines->groups_[b].first;
}

Slot& StandardLines::ByLine::position(Slot group) const {
    return lines->groups_[group].line_heap;
}

bool StandardLines::ByInFlight::less(Slot a, Slot b) const {
    const Group& left = lines->groups_[a];
    const Group& right = lines->groups_[b];
    if (left.in_flight != right.in_flight) return left.in_flight < right.in_flight;
    return left.first < right.first;
}

Slot& StandardLines::ByInFlight::position(Slot group) const {
    return lines->groups_[group].noisy_heap;
}

StandardLines::StandardLines(Slab& slab, GroupTable& groups)
    : slab_(slab), groups_(groups), quiet_(ByLine{this}), noisy_(ByInFlight{this}) {}

void StandardLines::set_policy(const GroupPolicy& policy, Duration aging) {
    policy_ = policy;
    aging_ = aging_step(aging);
    const bool needed = policy.fairness == Fairness::round_robin;
    if (needed && ungrouped_ == no_slot) {
        ungrouped_ = groups_.find_or_create({});
    } else if (!needed && ungrouped_ != no_slot) {
        groups_.release(std::exchange(ungrouped_, no_slot));
    }
}

std::int64_t StandardLines::place_at_end(Instant since) {
    last_place_ = std::max<std::int64_t>(last_place_ + 1, since.time_since_epoch().count());
    return last_place_;
}

void StandardLines::push_back(Slot slot, Instant since) {
    slab_[slot].due_or_place = place_at_end(since);
    append(slot);
}

void StandardLines::restore(Slot slot, std::int64_t place) {
    slab_[slot].due_or_place = place;
    claim(place);
    append(slot);
}

void StandardLines::claim(std::int64_t place) {
    first_place_ = std::min(first_place_, place);
    last_place_ = std::max(last_place_, place);
}

void StandardLines::append(Slot slot) {
    const Slot group = home(slab_[slot].group);
    line_of(group).push_back(slab_, slot, aging_);
    if (group != no_slot) refresh(group);
}

void StandardLines::push_front(Slot slot) {
    Message& message = slab_[slot];
    message.due_or_place = --first_place_;
    const Slot group = home(message.group);
    if (group == no_slot) {
        common_.push_front(slab_, slot, aging_);
        return;
    }
    groups_[group].waiting.push_front(slab_, slot, aging_);
    refresh(group);
}

void StandardLines::put_back(Slot slot, std::int64_t place) {
    Message& message = slab_[slot];
    message.due_or_place = place;
    const Slot group = home(message.group);
    // Where the one before it went is a good place to begin the search when they share a line.
    Slot after = std::exchange(last_put_back_, slot);
    const auto leads_here = [&](const Message& last) {
        return last.state == State::visible && home(last.group) == group &&
               last.priority == message.priority && last.place() <= place;
    };
    if (after == slot || !slab_.exists(after) || !leads_here(slab_[after])) after = no_slot;
    line_of(group).insert(slab_, slot, after, aging_);
    if (group != no_slot) refresh(group);
}

void StandardLines::remove(Slot slot) {
    const Slot group = home(slab_[slot].group);
    if (group == no_slot) {
        common_.remove(slab_, slot, aging_);
        return;
    }
    const bool first = groups_[group].waiting.head() == slot;
    groups_[group].waiting.remove(slab_, slot, aging_);
    if (first) refresh(group);
}

bool StandardLines::may_deliver(Slot index) const {
    const Group& group = groups_[index];
    if (group.waiting.empty()) return false;
    const std::uint32_t limit = policy_.max_in_flight_per_group;
    return limit == 0 || index == ungrouped_ || group.in_flight < limit;
}

/// Puts the group where it belongs now: nowhere, in the ring, among the quiet or the noisy.
void StandardLines::refresh(Slot index) {
    Group& group = groups_[index];
    if (!may_deliver(index)) {
        group.noisy = false;  // nothing available: quiet again
        quiet_.remove(index);
        noisy_.remove(index);
        ring_.remove(groups_, index);
        return;
    }
    if (policy_.fairness == Fairness::round_robin) {
        ring_.push_back(groups_, index);
        return;
    }
    group.first = place_of(group.waiting.head());
    if (group.noisy) {
        quiet_.remove(index);
        noisy_.push_or_update(index);
    } else {
        noisy_.remove(index);
        quiet_.push_or_update(index);
    }
}

void StandardLines::in_flight_changed(Slot group) {
    if (group != no_slot && home(group) == group) refresh(group);
}

void StandardLines::took_turn(Slot group) {
    if (policy_.fairness != Fairness::round_robin) return;
    const Slot index = home(group);
    if (!groups_[index].in_ring) return;
    ring_.remove(groups_, index);
    ring_.push_back(groups_, index);
}

void StandardLines::processed(Slot group, Duration busy, Instant now) {
    if (policy_.fairness != Fairness::aws) return;
    double weight = std::exp2(half_lives(now - weight_epoch_));
    if (weight > weight_max) {
        const double scale = total_busy_ > 0 ? 1 / weight : 0;
        groups_.for_each([&](Slot index) { groups_[index].busy *= scale; });
        total_busy_ *= scale;
        weight_epoch_ = now;
        weight = 1;
    }
    const double added = seconds(busy) * weight;
    total_busy_ += added;
    if (group != no_slot) groups_[group].busy += added;
}

Slot StandardLines::next(std::uint64_t in_flight, Instant now) {
    if (policy_.fairness == Fairness::round_robin) {
        return ring_.empty() ? no_slot : groups_[ring_.front()].waiting.head();
    }
    if (quiet_.empty() && noisy_.empty()) return common_.head();
    return next_by_place(in_flight, now);
}

Slot StandardLines::next_by_place(std::uint64_t in_flight, Instant now) {
    if (now >= silence_check_) quiet_the_silent(now);
    while (!quiet_.empty()) {
        const Slot index = quiet_.top();
        Group& group = groups_[index];
        const Slot first = group.waiting.head();
        if (!common_.empty() && place_of(common_.head()) < group.first) break;
        if (policy_.fairness != Fairness::aws || !turns_noisy(group, in_flight, now)) {
            return first;
        }
        group.noisy = true;
        silence_check_ = std::min(silence_check_, group.last_sent + noisy_silence);
        refresh(index);
    }
    if (!common_.empty()) return common_.head();
    return noisy_.empty() ? no_slot : groups_[noisy_.top()].waiting.head();
}

bool StandardLines::turns_noisy(const Group& group, std::uint64_t in_flight, Instant now) const {
    if (now >= group.last_sent + noisy_silence) return false;
    if (group.in_flight >= noisy_in_flight_min && group.in_flight * 10ULL > in_flight) return true;
    return group.busy * 10 > total_busy_ &&
           group.busy >= noisy_busy_seconds_min * std::exp2(half_lives(now - weight_epoch_));
}

void StandardLines::quiet_the_silent(Instant now) {
    silence_check_ = Instant::max();
    const std::vector<Slot> noisy = noisy_.entries();
    for (const Slot index : noisy) {
        Group& group = groups_[index];
        if (group.last_sent + noisy_silence <= now) {
            group.noisy = false;
            refresh(index);
        } else {
            silence_check_ = std::min(silence_check_, group.last_sent + noisy_silence);
        }
    }
}

void StandardLines::rebuild(
    const GroupPolicy& policy, Duration aging, const std::vector<Slot>& visible
) {
    for (const Slot slot : visible)
        remove(slot);
    set_policy(policy, aging);
    groups_.for_each([&](Slot index) { groups_[index].noisy = false; });
    for (const Slot slot : visible)
        append(slot);
}

std::size_t StandardLines::count() const {
    std::size_t messages = common_.count(slab_);
    groups_.for_each([&](Slot index) { messages += groups_[index].waiting.count(slab_); });
    return messages;
}

bool StandardLines::in_order() const {
    bool right = common_.in_order(slab_, aging_);
    groups_.for_each([&](Slot index) { right &= groups_[index].waiting.in_order(slab_, aging_); });
    return right;
}

void StandardLines::clear() {
    common_ = {};
    quiet_.clear();
    noisy_.clear();
    ring_.clear();
    silence_check_ = Instant::max();
    total_busy_ = 0;
    ungrouped_ = no_slot;
    groups_.clear();
    last_put_back_ = no_slot;
    set_policy(policy_, Duration(aging_));
}

}  // namespace tranter::engine
