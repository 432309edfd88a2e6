#include "jobs/enum_text.hpp"
#include "schedule/decision.hpp"
#include "schedule/last_job.hpp"
#include "schedule/registration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

// What is done with the slots of a schedule by hand.
namespace tranter::schedule {
namespace {

using std::chrono::milliseconds;

constexpr int skip_tries_max = 20;
/// Each is a row with a payload.
constexpr std::size_t backfilled_at_once = 500;

std::unexpected<Error> was_removed(std::string_view name) {
    return fail(Errc::not_found, fmt::format("schedule \"{}\" was removed", name));
}

std::unexpected<Error> would_overlap(std::string_view name, std::size_t slots, Overlap rule) {
    return fail(
        Errc::conflict,
        fmt::format(
            "the jobs of {} slots would run at once, and schedule \"{}\" has overlap {}: say "
            "overlap allow for this once if they may, or choose a shorter time",
            slots,
            name,
            jobs::enum_text(rule)
        )
    );
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

/// The slot of a schedule whose slots follow from the ends of its jobs.
Result<NextSlot> slot_after_job(
    const Registry& registry,
    const Cadence& cadence,
    const Schedule& schedule,
    Provider* jobs,
    TimePoint now
) {
    const std::string& name = schedule.definition.name;
    LastJobEnd last;
    if (jobs != nullptr) {
        const auto known = last_end_of(registry.store, *jobs, schedule);
        if (!known) return std::unexpected(known.error());
        last = *known;
    } else {
        const auto open = registry.store.open_runs(name);
        if (!open) return std::unexpected(open.error());
        last.finished = open->claimed == 0 && open->buffered == 0;
        if (last.finished && !schedule.last_job.empty()) {
            return fail(
                Errc::unsupported,
                fmt::format(
                    "whether the last job of schedule \"{}\" has finished is not known here, name "
                    "the provider of its jobs",
                    name
                )
            );
        }
    }
    if (last.finished) return slot_after_completion(cadence, schedule, last, now);
    return fail(
        Errc::conflict,
        fmt::format(
            "schedule \"{}\" has no next slot before its job has finished: it comes a period after "
            "that",
            name
        )
    );
}

/// The slot to leave out.
Result<NextSlot> slot_to_skip(
    const Registry& registry,
    const Cadence& cadence,
    const Schedule& schedule,
    Provider* jobs,
    TimePoint now
) {
    NextSlot slot{.slot = schedule.next_slot};
    if (slot.slot && cadence.anchor() == IntervalAnchor::after_completion) {
        auto found = slot_after_job(registry, cadence, schedule, jobs, now);
        if (!found) return found;
        slot = *found;
    }
    if (slot.slot) return slot;
    return fail(
        Errc::conflict, fmt::format("schedule \"{}\" has no next slot", schedule.definition.name)
    );
}

}  // namespace

Result<RunKey> run_now(
    const Registry& registry, std::string_view name, TimePoint now, std::string_view request
) {
    const auto schedule = registry.store.find(name);
    if (!schedule) return std::unexpected(schedule.error());
    // Two at the same moment are two runs.
    for (TimePoint slot = now;; slot += TimePoint::duration(1)) {
        const Firing firing{
            .schedule = std::string(name),
            .runs = {{.slot = slot, .manual = true}},
            .keys_only = true,
            .request = std::string(request)};
        auto fired = registry.store.fire(std::span(&firing, 1), now, now);
        if (!fired) return std::unexpected(fired.error());
        Fired& one = fired->front();
        if (!one.done) return was_removed(name);
        if (one.repeated) return std::move(*one.repeated);
        if (!one.runs.empty()) return std::move(one.runs.front().key);
    }
}

Result<TimePoint> skip_next(
    const Registry& registry,
    std::string_view name,
    TimePoint now,
    Provider* jobs,
    std::string_view request
) {
    for (int tries = 0; tries < skip_tries_max; ++tries) {
        const auto schedule = registry.store.find(name);
        if (!schedule) return std::unexpected(schedule.error());
        const auto cadence = check_definition(registry, schedule->definition, now, true);
        if (!cadence) return std::unexpected(cadence.error());
        const auto found = slot_to_skip(registry, *cadence, *schedule, jobs, now);
        if (!found) return std::unexpected(found.error());
        const TimePoint slot = found->slot.value_or(now);
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
            .next = next,
            .request = std::string(request)};
        const auto fired = registry.store.fire(std::span(&firing, 1), now, now);
        if (!fired) return std::unexpected(fired.error());
        const Fired& one = fired->front();
        if (one.repeated) return one.repeated->slot;
        if (one.done) return slot;
    }
    return fail(Errc::conflict, fmt::format("schedule \"{}\" changes all the time", name));
}

Result<Backfill> backfill(
    const Registry& registry, std::string_view name, const BackfillRequest& request, TimePoint now
) {
    const Period& period = request.period;
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
    if (request.dry_run || found.slots.empty()) return found;
    const Overlap rule = request.overlap.value_or(schedule->definition.rules.overlap);
    if (rule != Overlap::allow) return would_overlap(name, found.slots.size(), rule);
    for (std::span<const TimePoint> rest(found.slots); !rest.empty();) {
        const auto some = rest.first(std::min(backfilled_at_once, rest.size()));
        Firing firing{.schedule = std::string(name), .again = true, .keys_only = true};
        for (const TimePoint slot : some)
            firing.runs.push_back({.slot = slot});
        const auto fired = registry.store.fire(std::span(&firing, 1), now, now);
        if (!fired) return std::unexpected(fired.error());
        if (!fired->front().done) return was_removed(name);
        found.claimed += fired->front().runs.size();
        rest = rest.subspan(some.size());
    }
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
