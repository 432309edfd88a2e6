#pragma once

#include "schedule/cadence.hpp"
#include "schedule/store.hpp"

#include <tranter/schedule.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// What a scheduler does, as functions of what is known: no clock, no store.
namespace tranter::schedule {

inline UtcMillis to_slot(TimePoint when) {
    return std::chrono::floor<std::chrono::milliseconds>(when);
}

/// Slots that passed are counted up to here in one decision.
inline constexpr std::size_t slots_counted_max = 10'000;

/// The first slot strictly after `after` that the rules allow, with the moment at which its job is
/// enqueued: up to `jitter` later, from a hash of name and slot, and before the slot after it.
/// `runs` is how many there were.
NextSlot next_slot(
    const Cadence& cadence,
    const ScheduleDefinition& definition,
    std::uint64_t runs,
    UtcMillis after
);

struct SlotPlan {
    std::vector<UtcMillis> run{};  // oldest first
    std::uint64_t missed = 0;      // slots that passed and do not run
    NextSlot next{};
};

/// The cadence of a schedule. An interval that does not count from 1970 counts from when the
/// schedule was made, or with IntervalAnchor::after_completion from `from`.
Cadence anchored_cadence(const Cadence& cadence, const Schedule& schedule, TimePoint from);

/// The next slots of a schedule as it stands, whether it is paused or not; with
/// IntervalAnchor::after_completion the earliest that is possible.
std::vector<NextSlot> upcoming_slots(
    const Cadence& cadence, const Schedule& schedule, std::size_t count, TimePoint now
);

/// What becomes of the slots from `schedule.next_slot` on that are due at `now`.
SlotPlan plan_slots(const Cadence& cadence, const Schedule& schedule, TimePoint now);

/// What is known of the job of the last slot, and whether there is one at all.
struct LastJobEnd {
    bool finished = true;           // false also while it is about to be enqueued
    std::optional<TimePoint> at{};  // empty: not known, or there was none
};

/// The next slot with IntervalAnchor::after_completion, when the job before has finished: a period
/// after its end and not before `schedule.next_slot`, which must be there.
NextSlot slot_after_completion(
    const Cadence& cadence, const Schedule& schedule, const LastJobEnd& last, TimePoint now
);
/// As plan_slots() with that: one slot at most. While the job is not finished, the next time to
/// look is a period from now, without jitter: the slot cannot be earlier. A slot is late when it
/// was not looked at in time, and not because of when that time came.
SlotPlan plan_after_completion(
    const Cadence& cadence, const Schedule& schedule, const LastJobEnd& last, TimePoint now
);

/// What is known of the earlier slots of a schedule.
struct Standing {
    bool busy = false;         // a job of it is not finished, or is about to be enqueued
    std::size_t buffered = 0;  // slots that wait
};

/// `slots` are in order.
std::vector<NewRun> apply_overlap(
    Overlap overlap, std::span<const UtcMillis> slots, const Standing& standing
);

/// How long to wait before an enqueue that failed `tries` times is tried again.
std::chrono::milliseconds rest_after(std::uint32_t tries);
/// Whether no further try can succeed.
bool is_hopeless(Errc code);

}  // namespace tranter::schedule
