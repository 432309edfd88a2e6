#include "admin/scheduler_metrics.hpp"

#include <array>
#include <chrono>
#include <string_view>

namespace tranter::admin {
namespace {

using Type = Exposition::Type;

struct SlotOutcome {
    std::string_view name;
    std::uint64_t ScheduleMetrics::*member;
};

constexpr std::array slot_outcomes{
    SlotOutcome{"enqueued", &ScheduleMetrics::enqueued},
    SlotOutcome{"skipped", &ScheduleMetrics::skipped},
    SlotOutcome{"missed", &ScheduleMetrics::missed},
    SlotOutcome{"error", &ScheduleMetrics::errors},
};

void render_lateness(
    Exposition& out, std::string_view name, std::string_view help, const DurationBuckets& buckets
) {
    out.header(name, Type::histogram, help);
    out.histogram(name, {}, duration_bounds, buckets.counts, buckets.sum);
}

void render_by_schedule(Exposition& out, const SchedulerMetrics& metrics) {
    constexpr std::string_view runs = "tranter_schedule_runs_total";
    out.header(runs, Type::counter, "Slots by what became of them; errors are tries.");
    for (const ScheduleMetrics& one : metrics.schedules) {
        for (const SlotOutcome& outcome : slot_outcomes) {
            out.sample(
                runs,
                {{"schedule", one.schedule}, {"outcome", outcome.name}},
                static_cast<double>(one.*outcome.member)
            );
        }
    }
    constexpr std::string_view next = "tranter_schedule_next_run_timestamp_seconds";
    out.header(next, Type::gauge, "When the next job of a schedule is due.");
    for (const ScheduleMetrics& one : metrics.schedules) {
        if (!one.next_due) continue;
        const std::chrono::duration<double> since = one.next_due->time_since_epoch();
        out.sample(next, {{"schedule", one.schedule}}, since.count());
    }
}

}  // namespace

void render_schedules(Exposition& out, const SchedulerMetrics& metrics) {
    render_by_schedule(out, metrics);
    render_lateness(
        out,
        "tranter_schedule_lateness_seconds",
        "From when the job of a slot was due until it was enqueued.",
        metrics.lateness
    );
    constexpr std::string_view schedules = "tranter_schedules";
    out.header(schedules, Type::gauge, "Schedules that fire, and those that are paused.");
    out.sample(schedules, {{"state", "enabled"}}, static_cast<double>(metrics.enabled));
    out.sample(schedules, {{"state", "paused"}}, static_cast<double>(metrics.paused));
    out.figure(
        "tranter_schedules_due",
        Type::gauge,
        "Schedules whose time has come and that were not looked at.",
        static_cast<double>(metrics.due)
    );
    constexpr std::string_view slots = "tranter_schedule_slots";
    out.header(slots, Type::gauge, "Slots that are to become jobs, by what they wait for.");
    out.sample(slots, {{"state", "claimed"}}, static_cast<double>(metrics.claimed));
    out.sample(slots, {{"state", "buffered"}}, static_cast<double>(metrics.buffered));
    out.figure(
        "tranter_schedule_recomputed_total",
        Type::counter,
        "Next slots that were another once the data about time zones had changed.",
        static_cast<double>(metrics.recomputed)
    );
}

void render_timers(Exposition& out, const SchedulerMetrics& metrics) {
    constexpr std::string_view jobs = "tranter_timer_jobs_total";
    out.header(jobs, Type::counter, "Jobs for later that were enqueued; errors are tries.");
    out.sample(jobs, {{"outcome", "enqueued"}}, static_cast<double>(metrics.timers_enqueued));
    out.sample(jobs, {{"outcome", "error"}}, static_cast<double>(metrics.timer_errors));
    render_lateness(
        out,
        "tranter_timer_lateness_seconds",
        "From when a job for later was due until it was enqueued.",
        metrics.timer_lateness
    );
    out.figure(
        "tranter_timers_waiting",
        Type::gauge,
        "Jobs for later in the store of schedules.",
        static_cast<double>(metrics.timers_waiting)
    );
    out.figure(
        "tranter_timers_due",
        Type::gauge,
        "Jobs for later whose time has come and that are not enqueued.",
        static_cast<double>(metrics.timers_due)
    );
}

void render_schedule_store(
    Exposition& out, const SchedulerMetrics& metrics, const SchedulerHealth& health
) {
    out.figure(
        "tranter_schedule_store_connected",
        Type::gauge,
        "1 while the store of schedules answers.",
        health.store_answers ? 1 : 0
    );
    out.figure(
        "tranter_schedule_store_errors_total",
        Type::counter,
        "Calls that the store of schedules could not do.",
        static_cast<double>(metrics.store_errors)
    );
    render_lateness(
        out,
        "tranter_schedule_store_call_duration_seconds",
        "Calls of the store of schedules.",
        metrics.store_calls
    );
}

}  // namespace tranter::admin
