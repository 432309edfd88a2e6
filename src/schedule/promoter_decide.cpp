#include "schedule/last_job.hpp"
#include "schedule/promoter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

// What a scheduler decides for one schedule, by what is known of its earlier jobs.
namespace tranter::schedule {
namespace {

constexpr std::size_t cadences_max = 10'000;

}  // namespace

Result<Cadence> Promoter::cadence_of(const ScheduleDefinition& definition) {
    const ScheduleRules& rules = definition.rules;
    std::string key = fmt::format(
        "{}\n{}\n{}\n{}\n{}",
        definition.expression,
        definition.timezone,
        static_cast<int>(rules.dst_gap),
        static_cast<int>(rules.dst_overlap),
        static_cast<int>(rules.anchor)
    );
    if (const auto found = cadences_.find(key); found != cadences_.end()) return found->second;
    auto cadence = Cadence::parse(
        definition.expression,
        {.zone = definition.timezone,
         .dst = {.gap = rules.dst_gap, .overlap = rules.dst_overlap},
         .period_min = options_.period_min,
         .anchor = rules.anchor},
        zones_
    );
    if (!cadence) return cadence;
    if (cadences_.size() >= cadences_max) cadences_.clear();
    cadences_.emplace(std::move(key), *cadence);
    return cadence;
}

Result<SlotPlan> Promoter::plan_of(
    const Cadence& cadence, const Schedule& schedule, TimePoint now
) {
    if (cadence.anchor() != IntervalAnchor::after_completion) {
        return plan_slots(anchored_cadence(cadence, schedule, now), schedule, now);
    }
    const auto last = last_end_of(store_, provider_, schedule);
    if (!last) return std::unexpected(last.error());
    return plan_after_completion(cadence, schedule, *last, now);
}

Result<Promoter::Decision> Promoter::decide_slots(const Schedule& schedule, TimePoint now) {
    const ScheduleDefinition& definition = schedule.definition;
    const auto cadence = cadence_of(definition);
    if (!cadence) return std::unexpected(cadence.error());
    const auto plan = plan_of(*cadence, schedule, now);
    if (!plan) return std::unexpected(plan.error());
    Decision decision;
    Firing& firing = decision.firing;
    firing.schedule = definition.name;
    firing.version = schedule.version;
    firing.missed = plan->missed;
    firing.next = plan->next;
    decision.decided = {.slot = schedule.next_slot, .due = schedule.next_due};
    Standing standing;
    const Overlap overlap = definition.rules.overlap;
    if (overlap != Overlap::allow && !plan->run.empty()) {
        const auto found = standing_of(store_, provider_, schedule);
        if (!found) return std::unexpected(found.error());
        standing = *found;
        decision.cancel_other = overlap == Overlap::cancel_other && standing.busy;
        decision.other_job = schedule.last_job;
    }
    firing.runs = apply_overlap(overlap, plan->run, standing);
    const auto skipped = static_cast<std::uint64_t>(
        std::ranges::count(firing.runs, RunState::skipped, &NewRun::state)
    );
    if (skipped > 0 && definition.rules.max_runs > 0) {
        const std::uint64_t runs = schedule.runs + firing.runs.size() - skipped;
        const UtcMillis after = plan->next.slot
                                    ? to_slot(*plan->next.slot) - std::chrono::milliseconds(1)
                                    : to_slot(now);
        firing.next = next_slot(anchored_cadence(*cadence, schedule, now), definition, runs, after);
    }
    return decision;
}

}  // namespace tranter::schedule
