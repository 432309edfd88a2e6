#include "schedule/promoter.hpp"

#include <algorithm>

// What becomes of stored next slots when the data about time zones change.
namespace tranter::schedule {

/// A slot that was skipped by hand has a row already, and so has one that ran.
Result<bool> Promoter::was_left_out(const std::string& schedule, TimePoint slot) {
    const auto runs = store_.runs_of(schedule, looked_at_max, false);
    if (!runs) return std::unexpected(runs.error());
    return std::ranges::any_of(*runs, [&](const SlotRun& run) {
        return run.key.slot == slot && !run.key.manual;
    });
}

Result<> Promoter::refresh_one(Schedule schedule, TimePoint now) {
    if (!schedule.next_slot || *schedule.next_slot <= now) return {};
    // What comes after a job has no place in time of its own.
    if (schedule.definition.rules.anchor == IntervalAnchor::after_completion) return {};
    const auto parsed = cadence_of(schedule.definition);
    if (!parsed) return {};  // said when it is due
    const Cadence cadence = anchored_cadence(*parsed, schedule, now);
    const NextSlot next = next_slot(cadence, schedule.definition, schedule.runs, to_slot(now));
    if (next.slot == schedule.next_slot) return {};
    const UtcMillis stored = to_slot(*schedule.next_slot);
    const bool is_still_one = cadence.next(stored - std::chrono::milliseconds(1)) == stored;
    if (is_still_one && next.slot && *next.slot < *schedule.next_slot) {
        const auto left_out = was_left_out(schedule.definition.name, *next.slot);
        if (!left_out) return std::unexpected(left_out.error());
        if (*left_out) return {};
    }
    const auto from = schedule.next_slot;
    schedule.next_slot = next.slot;
    schedule.next_due = next.due;
    const auto updated = store_.update(schedule);
    if (updated) {
        tally_.recomputed(schedule.definition.name, from, next.slot);
        return {};
    }
    // Who changed or removed it meanwhile knew the new data.
    const Errc code = updated.error().code();
    if (code == Errc::conflict || code == Errc::not_found) return {};
    return std::unexpected(updated.error());
}

Result<> Promoter::refresh() {
    cadences_.clear();
    const TimePoint now = now_();
    std::string after;
    while (true) {
        const auto page = store_.list(after, options_.batch);
        if (!page) return std::unexpected(page.error());
        if (page->empty()) return {};
        after = page->back().definition.name;
        for (const Schedule& schedule : *page) {
            tally_.expect(schedule.definition.name);
            if (auto done = refresh_one(schedule, now); !done) return done;
        }
    }
}

}  // namespace tranter::schedule
