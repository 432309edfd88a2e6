#include "schedule/decision.hpp"
#include "schedule/registration.hpp"

#include <fmt/format.h>

// What is done with the slots of a schedule by hand.
namespace tranter::schedule {
namespace {

using std::chrono::milliseconds;

constexpr int skip_tries_max = 20;

std::unexpected<Error> was_removed(std::string_view name) {
    return fail(Errc::not_found, fmt::format("schedule \"{}\" was removed", name));
}

/// Both included.
Result<std::vector<TimePoint>> slots_between(const Cadence& cadence, TimePoint from, TimePoint to) {
    std::vector<TimePoint> slots;
    const UtcMillis before = std::chrono::ceil<milliseconds>(from) - milliseconds(1);
    for (auto slot = cadence.next(before); slot && *slot <= to; slot = cadence.next(*slot)) {
        if (slots.size() == backfill_slots_max) {
            return fail(
                Errc::limit_exceeded,
                fmt::format("there are more than {} slots in that time", backfill_slots_max)
            );
        }
        slots.emplace_back(*slot);
    }
    return slots;
}

}  // namespace

Result<SlotRun> run_now(const Registry& registry, std::string_view name, TimePoint now) {
    const auto schedule = registry.store.find(name);
    if (!schedule) return std::unexpected(schedule.error());
    // Two at the same moment are two runs.
    for (TimePoint slot = now;; slot += TimePoint::duration(1)) {
        const Firing firing{
            .schedule = std::string(name), .runs = {{.slot = slot, .manual = true}}};
        auto fired = registry.store.fire(std::span(&firing, 1), now, now);
        if (!fired) return std::unexpected(fired.error());
        Fired& one = fired->front();
        if (!one.done) return was_removed(name);
        if (!one.runs.empty()) return std::move(one.runs.front());
    }
}

Result<TimePoint> skip_next(const Registry& registry, std::string_view name, TimePoint now) {
    for (int tries = 0; tries < skip_tries_max; ++tries) {
        const auto schedule = registry.store.find(name);
        if (!schedule) return std::unexpected(schedule.error());
        if (!schedule->next_slot) {
            return fail(Errc::conflict, fmt::format("schedule \"{}\" has no next slot", name));
        }
        const auto cadence = check_definition(registry, schedule->definition, now, true);
        if (!cadence) return std::unexpected(cadence.error());
        const TimePoint slot = *schedule->next_slot;
        const NextSlot next = next_slot(
            anchored_cadence(*cadence, *schedule, slot),
            schedule->definition,
            schedule->runs,
            to_slot(slot)
        );
        const Firing firing{
            .schedule = std::string(name),
            .version = schedule->version,
            .runs = {{.slot = slot, .state = RunState::skipped, .reason = "skipped by hand"}},
            .next = next};
        const auto fired = registry.store.fire(std::span(&firing, 1), now, now);
        if (!fired) return std::unexpected(fired.error());
        if (fired->front().done) return slot;
    }
    return fail(Errc::conflict, fmt::format("schedule \"{}\" changes all the time", name));
}

Result<Backfill> backfill(
    const Registry& registry,
    std::string_view name,
    const Period& period,
    TimePoint now,
    bool dry_run
) {
    if (period.to > now) {
        return fail(
            Errc::invalid_argument, "the end is in the future, expected a time that has passed"
        );
    }
    if (period.from > period.to) return fail(Errc::invalid_argument, "the end is before the begin");
    const auto schedule = registry.store.find(name);
    if (!schedule) return std::unexpected(schedule.error());
    const auto cadence = check_definition(registry, schedule->definition, now, true);
    if (!cadence) return std::unexpected(cadence.error());
    if (cadence->anchor() == IntervalAnchor::after_completion) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "schedule \"{}\" has the anchor after_completion, and no slots in the past", name
            )
        );
    }
    auto slots = slots_between(anchored_cadence(*cadence, *schedule, now), period.from, period.to);
    if (!slots) return std::unexpected(slots.error());
    Backfill found{.slots = std::move(*slots)};
    if (dry_run || found.slots.empty()) return found;
    Firing firing{.schedule = std::string(name), .again = true};
    for (const TimePoint slot : found.slots)
        firing.runs.push_back({.slot = slot});
    const auto fired = registry.store.fire(std::span(&firing, 1), now, now);
    if (!fired) return std::unexpected(fired.error());
    if (!fired->front().done) return was_removed(name);
    found.claimed = fired->front().runs.size();
    return found;
}

Result<std::vector<TimePoint>> preview(
    const Registry& registry, const Schedule& schedule, std::size_t count, TimePoint now
) {
    const auto cadence = check_definition(registry, schedule.definition, now, true);
    if (!cadence) return std::unexpected(cadence.error());
    std::vector<TimePoint> slots;
    for (const NextSlot& next : upcoming_slots(*cadence, schedule, count, now)) {
        if (next.slot) slots.push_back(*next.slot);
    }
    return slots;
}

}  // namespace tranter::schedule
