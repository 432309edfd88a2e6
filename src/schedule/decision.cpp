#include "schedule/decision.hpp"

#include "base/digest.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tranter::schedule {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds tick(1);

/// Without jitter.
std::optional<UtcMillis> allowed_after(
    const Cadence& cadence, const ScheduleRules& rules, UtcMillis after
) {
    if (rules.start_at) {
        after = std::max(after, std::chrono::ceil<milliseconds>(*rules.start_at) - tick);
    }
    const auto slot = cadence.next(after);
    if (slot && rules.end_at && *slot > *rules.end_at) return std::nullopt;
    return slot;
}

milliseconds jitter_of(
    const Cadence& cadence, const ScheduleDefinition& definition, UtcMillis slot
) {
    milliseconds most = definition.rules.jitter;
    if (most.count() <= 0) return {};
    if (const auto following = cadence.next(slot)) {
        most = std::min(most, *following - slot - tick);
    }
    const Sha256Digest digest =
        sha256(fmt::format("{}\n{}", definition.name, slot.time_since_epoch().count()));
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < sizeof(hash); ++i)
        hash = hash << 8 | digest.at(i);
    return milliseconds(hash % (static_cast<std::uint64_t>(most.count()) + 1));
}

std::uint64_t runs_left(const ScheduleRules& rules, std::uint64_t runs) {
    if (rules.max_runs == 0) return UINT64_MAX;
    return rules.max_runs > runs ? rules.max_runs - runs : 0;
}

/// Slots that passed, the newest first.
struct Passed {
    std::vector<UtcMillis> on_time{};
    std::vector<UtcMillis> late{};  // in the window
    std::uint64_t counted = 0;
};

Passed look_back(
    const Cadence& cadence, const Schedule& schedule, UtcMillis newest, TimePoint now
) {
    const ScheduleDefinition& definition = schedule.definition;
    const MisfirePolicy& misfire = definition.rules.misfire;
    const UtcMillis first = to_slot(*schedule.next_slot);
    const std::size_t late_max = misfire.policy == Misfire::run_all ? misfire.cap : 1;
    Passed passed;
    std::optional<UtcMillis> slot = newest;
    while (slot && *slot >= first && passed.counted < slots_counted_max) {
        ++passed.counted;
        const TimePoint due = *slot + jitter_of(cadence, definition, *slot);
        if (now - due <= misfire_threshold) {
            passed.on_time.push_back(*slot);
        } else if (now - *slot <= misfire.window && passed.late.size() < late_max) {
            passed.late.push_back(*slot);
        }
        slot = cadence.previous(*slot);
    }
    return passed;
}

void choose(const MisfirePolicy& misfire, const Passed& passed, std::vector<UtcMillis>& run) {
    const bool late_run = misfire.policy == Misfire::run_all ||
                          (misfire.policy == Misfire::run_once && passed.on_time.empty());
    if (late_run) run.assign(passed.late.rbegin(), passed.late.rend());
    run.insert(run.end(), passed.on_time.rbegin(), passed.on_time.rend());
}

}  // namespace

NextSlot next_slot(
    const Cadence& cadence,
    const ScheduleDefinition& definition,
    std::uint64_t runs,
    UtcMillis after
) {
    if (runs_left(definition.rules, runs) == 0) return {};
    const auto slot = allowed_after(cadence, definition.rules, after);
    if (!slot) return {};
    return {.slot = *slot, .due = *slot + jitter_of(cadence, definition, *slot)};
}

SlotPlan plan_slots(const Cadence& cadence, const Schedule& schedule, TimePoint now) {
    SlotPlan plan{.next = {.slot = schedule.next_slot, .due = schedule.next_due}};
    if (!schedule.next_slot) return plan;
    const ScheduleDefinition& definition = schedule.definition;
    const UtcMillis now_slot = to_slot(now);
    UtcMillis until = now_slot;
    if (definition.rules.end_at) until = std::min(until, to_slot(*definition.rules.end_at));

    // The newest slot may have passed without being due: jitter.
    auto newest = cadence.previous(until + tick);
    UtcMillis decided = now_slot;
    if (newest && *newest + jitter_of(cadence, definition, *newest) > now) {
        decided = *newest - tick;
        newest = cadence.previous(*newest);
    }
    if (newest) {
        const Passed passed = look_back(cadence, schedule, *newest, now);
        choose(definition.rules.misfire, passed, plan.run);
        const std::uint64_t left = runs_left(definition.rules, schedule.runs);
        if (plan.run.size() > left) plan.run.resize(static_cast<std::size_t>(left));
        plan.missed = passed.counted - plan.run.size();
    }
    plan.next = next_slot(cadence, definition, schedule.runs + plan.run.size(), decided);
    return plan;
}

Cadence anchored_cadence(const Cadence& cadence, const Schedule& schedule, TimePoint from) {
    switch (cadence.anchor()) {
        case IntervalAnchor::epoch:
            break;
        case IntervalAnchor::registration:
            return cadence.anchored(std::chrono::ceil<milliseconds>(schedule.created_at));
        case IntervalAnchor::after_completion:
            return cadence.anchored(std::chrono::ceil<milliseconds>(from));
    }
    return cadence;
}

std::vector<NextSlot> upcoming_slots(
    const Cadence& cadence, const Schedule& schedule, std::size_t count, TimePoint now
) {
    std::vector<NextSlot> slots;
    if (cadence.anchor() == IntervalAnchor::after_completion) {
        if (schedule.next_slot && count > 0) {
            slots.push_back({.slot = schedule.next_slot, .due = schedule.next_due});
        }
        return slots;
    }
    const Cadence anchored = anchored_cadence(cadence, schedule, now);
    UtcMillis after = to_slot(now);
    if (schedule.next_slot && *schedule.next_slot > now)
        after = to_slot(*schedule.next_slot) - tick;
    while (slots.size() < count) {
        const NextSlot next =
            next_slot(anchored, schedule.definition, schedule.runs + slots.size(), after);
        if (!next.slot) break;
        slots.push_back(next);
        after = to_slot(*next.slot);
    }
    return slots;
}

NextSlot slot_after_completion(
    const Cadence& cadence, const Schedule& schedule, const LastJobEnd& last, TimePoint now
) {
    UtcMillis end = to_slot(*schedule.next_slot) - cadence.period().value_or(tick);
    // A clock that goes ahead of ours must not put it off.
    const UtcMillis soonest = std::chrono::ceil<milliseconds>(now);
    if (last.at) end = std::max(end, std::min(std::chrono::ceil<milliseconds>(*last.at), soonest));
    return next_slot(cadence.anchored(end), schedule.definition, schedule.runs, end);
}

SlotPlan plan_after_completion(
    const Cadence& cadence, const Schedule& schedule, const LastJobEnd& last, TimePoint now
) {
    SlotPlan plan;
    if (!schedule.next_slot) return plan;
    const UtcMillis soonest = std::chrono::ceil<milliseconds>(now);
    const auto look_later = [&] {
        const std::uint64_t runs = schedule.runs + plan.run.size();
        plan.next = next_slot(cadence.anchored(soonest), schedule.definition, runs, soonest);
        plan.next.due = plan.next.slot;
    };
    if (!last.finished) {
        look_later();
        return plan;
    }
    plan.next = slot_after_completion(cadence, schedule, last, now);
    if (!plan.next.due || *plan.next.due > now) return plan;
    const UtcMillis slot = to_slot(*plan.next.slot);
    const MisfirePolicy& misfire = schedule.definition.rules.misfire;
    const TimePoint looked_for = std::max(*plan.next.due, schedule.next_due.value_or(TimePoint()));
    const bool on_time = now - looked_for <= misfire_threshold;
    if (on_time || (misfire.policy != Misfire::skip && now - slot <= misfire.window)) {
        plan.run.push_back(slot);
    } else {
        plan.missed = 1;
    }
    look_later();
    return plan;
}

std::vector<NewRun> apply_overlap(
    Overlap overlap, std::span<const UtcMillis> slots, const Standing& standing
) {
    std::vector<NewRun> runs;
    runs.reserve(slots.size());
    bool busy = standing.busy;
    std::size_t waiting = standing.buffered;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        NewRun run{.slot = slots[i]};
        const bool replaced = overlap == Overlap::cancel_other && i + 1 < slots.size();
        const bool free = !busy && waiting == 0;
        if (overlap == Overlap::allow || (free && !replaced)) {
            busy = true;
        } else if (replaced) {
            run.state = RunState::skipped;
            run.reason = "a later slot took its place";
        } else if (overlap == Overlap::skip) {
            run.state = RunState::skipped;
            run.reason = "the job of an earlier slot is not finished";
        } else if (overlap == Overlap::buffer_one && waiting > 0) {
            run.state = RunState::skipped;
            run.reason = "another slot waits already";
        } else {
            run.state = RunState::buffered;
            ++waiting;
        }
        runs.push_back(std::move(run));
    }
    return runs;
}

milliseconds rest_after(std::uint32_t tries) {
    constexpr milliseconds first = std::chrono::seconds(1);
    constexpr milliseconds longest = std::chrono::minutes(1);
    return std::min(longest, first * (1U << std::min(tries, 6U)));
}

bool is_hopeless(Errc code) {
    return code == Errc::invalid_argument || code == Errc::unsupported;
}

}  // namespace tranter::schedule
