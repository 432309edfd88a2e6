#include "schedule/explanation.hpp"

#include "base/duration.hpp"
#include "jobs/enum_text.hpp"
#include "jobs/state_name.hpp"
#include "schedule/decision.hpp"
#include "schedule/moment_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace tranter::schedule {
namespace {

constexpr std::size_t explained_runs_max = 100;

std::string moment(TimePoint when) {
    return utc_text(to_slot(when));
}

std::string slots_text(std::uint64_t count) {
    return fmt::format("{} {}", count, count == 1 ? "slot" : "slots");
}

/// Collects what is in the way of one schedule.
class Explainer {
  public:
    Explainer(ScheduleExplanation& out, TimePoint now)
        : out_(out), schedule_(out.schedule), rules_(out.schedule.definition.rules), now_(now) {}

    void look_at_state() {
        if (schedule_.paused) {
            add(schedule_.pause_reason.empty()
                    ? std::string("it is paused")
                    : fmt::format("it is paused: {}", schedule_.pause_reason));
        }
        if (!schedule_.next_slot) add(fmt::format("it has ended: {}", why_it_ended()));
        if (rules_.start_at && *rules_.start_at > now_) {
            add(fmt::format("it begins at {}", moment(*rules_.start_at)));
        }
        if (!schedule_.last_error.empty()) {
            add(fmt::format("the last try went wrong: {}", schedule_.last_error));
        }
    }

    void look_at_lease(const std::optional<Lease>& lease) {
        if (lease && lease->until > now_) return;
        add("no scheduler works on the store");
    }

    void look_at_runs(std::span<const SlotRun> newest, const OpenRuns& all) {
        for (const SlotRun& run : newest) {
            if (run.state == RunState::claimed && run.tries > 0) {
                add(fmt::format(
                    "the job of {} could not be enqueued and is tried again at {}: {}",
                    moment(run.key.slot),
                    run.claimed_until ? moment(*run.claimed_until) : std::string("once"),
                    run.error
                ));
            }
        }
        if (all.buffered > 0) {
            add(fmt::format(
                "{} until an earlier job is finished",
                all.buffered == 1 ? "one slot waits" : fmt::format("{} slots wait", all.buffered)
            ));
        }
        out_.open_runs = all.claimed + all.buffered + all.manual;
    }

    void look_at_last_job(Provider& jobs) {
        if (schedule_.last_job.empty()) return;
        const bool matters =
            rules_.overlap != Overlap::allow || rules_.anchor == IntervalAnchor::after_completion;
        const auto job = jobs.find(schedule_.last_job);
        if (!job) {
            if (matters && job.error().code() != Errc::not_found) {
                add(fmt::format(
                    "whether its last job is finished cannot be told: {}", job.error().message()
                ));
            }
            return;
        }
        out_.last_job_state = job->state;
        if (matters && is_open(job->state)) {
            add(fmt::format(
                "its last job {} is {}: {}", job->id, jobs::state_name(job->state), consequence()
            ));
        }
    }

    void look_at_passed(const Cadence& cadence) {
        if (schedule_.paused || !schedule_.next_due || *schedule_.next_due > now_) return;
        if (rules_.anchor == IntervalAnchor::after_completion) {
            add(fmt::format("it is due since {}", moment(*schedule_.next_due)));
            return;
        }
        const SlotPlan plan =
            plan_slots(anchored_cadence(cadence, schedule_, now_), schedule_, now_);
        add(fmt::format(
            "it is due since {}: if it were looked at now, {} would run and {} be missed (misfire "
            "{}, window {})",
            moment(*schedule_.next_due),
            slots_text(plan.run.size()),
            plan.missed,
            jobs::enum_text(rules_.misfire.policy),
            format_duration(rules_.misfire.window)
        ));
    }

  private:
    void add(std::string sentence) { out_.obstacles.push_back(std::move(sentence)); }

    static bool is_open(JobState state) {
        return state != JobState::completed && state != JobState::dead &&
               state != JobState::cancelled;
    }

    std::string why_it_ended() const {
        if (rules_.max_runs > 0 && schedule_.runs >= rules_.max_runs) {
            return fmt::format("it has run {} of {} times", schedule_.runs, rules_.max_runs);
        }
        if (rules_.end_at) return fmt::format("it has no slot until {}", moment(*rules_.end_at));
        return "its expression does not fire any more";
    }

    std::string_view consequence() const {
        if (rules_.anchor == IntervalAnchor::after_completion) {
            return "the next slot comes a period after its end";
        }
        switch (rules_.overlap) {
            case Overlap::skip:
                return "a slot that comes meanwhile is skipped";
            case Overlap::buffer_one:
                return "one slot waits for its end, further ones are skipped";
            case Overlap::buffer_all:
                return "slots that come meanwhile wait for its end";
            case Overlap::cancel_other:
                return "it is cancelled when the next slot comes";
            case Overlap::allow:
                break;
        }
        return "the next slot does not wait";
    }

    ScheduleExplanation& out_;
    const Schedule& schedule_;
    const ScheduleRules& rules_;
    const TimePoint now_;
};

void say_when(ScheduleExplanation& out, const Cadence& cadence, std::size_t count, TimePoint now) {
    out.words = cadence.in_words();
    out.timezone = cadence.zone().name();
    out.warnings = cadence.warnings();
    for (const NextSlot& next : upcoming_slots(cadence, out.schedule, count, now)) {
        if (!next.slot) continue;
        out.next.push_back(
            {.slot = *next.slot,
             .due = next.due.value_or(*next.slot),
             .local = local_text(to_slot(*next.slot), cadence.zone())}
        );
    }
}

}  // namespace

Result<ScheduleExplanation> explain(
    const Registry& registry,
    std::string_view name,
    std::size_t count,
    TimePoint now,
    Provider* jobs
) {
    auto schedule = registry.store.find(name);
    if (!schedule) return std::unexpected(schedule.error());
    const auto open = registry.store.runs_of(name, explained_runs_max, true);
    if (!open) return std::unexpected(open.error());
    const auto counts = registry.store.open_runs(name);
    if (!counts) return std::unexpected(counts.error());
    const auto lease = registry.store.find_lease(schedules_role);
    if (!lease) return std::unexpected(lease.error());
    ScheduleExplanation out{
        .schedule = std::move(*schedule), .time_zone_data = registry.zones.version()};
    out.timezone = out.schedule.definition.timezone;
    Explainer explainer(out, now);
    explainer.look_at_state();
    const auto cadence = check_definition(registry, out.schedule.definition, now, true);
    if (cadence) {
        say_when(out, *cadence, count, now);
        explainer.look_at_passed(*cadence);
    } else {
        out.obstacles.push_back("it cannot be read: " + cadence.error().message());
    }
    explainer.look_at_runs(*open, *counts);
    if (jobs != nullptr) explainer.look_at_last_job(*jobs);
    explainer.look_at_lease(*lease);
    return out;
}

}  // namespace tranter::schedule
