#include "schedule/firing_tally.hpp"

#include "base/log.hpp"
#include "jobs/time_text.hpp"

#include <algorithm>
#include <chrono>

namespace tranter::schedule {
namespace {

constexpr std::string_view tally_component = "schedule";

std::string text_of_slot(std::optional<TimePoint> slot) {
    if (!slot) return {};
    return jobs::time_text(slot->time_since_epoch().count(), {1, 1'000'000}).value_or("");
}

double millis_between(TimePoint due, TimePoint now) {
    const auto late = std::chrono::duration<double, std::milli>(now - due).count();
    return std::max(late, 0.0);
}

void tell_of_run(
    LogLevel level,
    std::string_view message,
    const SlotRun& run,
    std::string_view outcome,
    std::string_view error
) {
    if (!logs_at(level, tally_component)) return;
    log_line(
        level,
        tally_component,
        message,
        {{"schedule", run.key.schedule},
         {"slot", text_of_slot(run.key.slot)},
         {"manual", run.key.manual},
         {"job_id", run.job_id},
         {"job_type", run.type},
         {"queue", run.queue},
         {"outcome", outcome},
         {"error", error}}
    );
}

}  // namespace

/// With mutex_ held.
ScheduleMetrics& FiringTally::counts_of(std::string_view schedule) {
    auto found = schedules_.find(schedule);
    if (found == schedules_.end()) {
        const bool fits = schedules_.size() < schedules_max;
        found = schedules_.try_emplace(std::string(fits ? schedule : other_schedules)).first;
        found->second.schedule = found->first;
    }
    return found->second;
}

void FiringTally::expect(std::string_view schedule) {
    const std::lock_guard lock(mutex_);
    counts_of(schedule);
}

void FiringTally::enqueued(
    const SlotRun& run, const std::string& job_id, std::optional<TimePoint> due_at, TimePoint now
) {
    const double late = due_at ? millis_between(*due_at, now) : 0;
    {
        const std::lock_guard lock(mutex_);
        ++counts_of(run.key.schedule).enqueued;
        ++figures_.enqueued;
        if (due_at) {
            metrics_.lateness.add(duration_bounds, late / 1e3);
            figures_.lateness = Milliseconds(static_cast<std::int64_t>(late));
        }
    }
    if (!logs_at(LogLevel::info, tally_component)) return;
    log_info(
        tally_component,
        "a slot became a job",
        {{"schedule", run.key.schedule},
         {"slot", text_of_slot(run.key.slot)},
         {"manual", run.key.manual},
         {"job_id", job_id},
         {"job_type", run.type},
         {"queue", run.queue},
         {"lateness_ms", late},
         {"outcome", "enqueued"}}
    );
}

void FiringTally::failed(const SlotRun& run, const Error& error, bool is_last) {
    {
        const std::lock_guard lock(mutex_);
        ++counts_of(run.key.schedule).errors;
        ++figures_.errors;
    }
    tell_of_run(
        is_last ? LogLevel::error : LogLevel::warn,
        is_last ? "no store takes the job of a slot" : "a job of a schedule could not be enqueued",
        run,
        is_last ? "failed" : "error",
        error.message()
    );
}

void FiringTally::skipped(const RunKey& key, std::string_view reason) {
    {
        const std::lock_guard lock(mutex_);
        ++counts_of(key.schedule).skipped;
        ++figures_.skipped;
    }
    if (!logs_at(LogLevel::info, tally_component)) return;
    log_info(
        tally_component,
        "a slot is skipped",
        {{"schedule", key.schedule},
         {"slot", text_of_slot(key.slot)},
         {"outcome", "skipped"},
         {"reason", reason}}
    );
}

void FiringTally::missed(std::string_view schedule, std::uint64_t slots) {
    if (slots == 0) return;
    {
        const std::lock_guard lock(mutex_);
        counts_of(schedule).missed += slots;
        figures_.missed += slots;
    }
    log_warn(
        tally_component,
        "slots passed while nobody was there, and do not run",
        {{"schedule", schedule}, {"slots", slots}, {"outcome", "missed"}}
    );
}

void FiringTally::undecided(std::string_view schedule, const Error& error) {
    {
        const std::lock_guard lock(mutex_);
        ++counts_of(schedule).errors;
        ++figures_.errors;
    }
    log_warn(
        tally_component,
        "a schedule cannot run",
        {{"schedule", schedule}, {"outcome", "error"}, {"error", error.message()}}
    );
}

void FiringTally::not_cancelled(std::string_view schedule, const Error& error) {
    {
        const std::lock_guard lock(mutex_);
        ++counts_of(schedule).errors;
        ++figures_.errors;
    }
    log_warn(
        tally_component,
        "the job of an earlier slot cannot be cancelled",
        {{"schedule", schedule}, {"error", error.message()}}
    );
}

void FiringTally::recomputed(
    std::string_view schedule, std::optional<TimePoint> from, std::optional<TimePoint> to
) {
    {
        const std::lock_guard lock(mutex_);
        ++metrics_.recomputed;
    }
    log_info(
        tally_component,
        "the next slot of a schedule is another one, by the data about its time zone",
        {{"schedule", schedule}, {"from", text_of_slot(from)}, {"to", text_of_slot(to)}}
    );
}

void FiringTally::timer_enqueued(const ScheduledJob& job, TimePoint now) {
    const double late = millis_between(job.due, now);
    {
        const std::lock_guard lock(mutex_);
        ++metrics_.timers_enqueued;
        ++figures_.enqueued;
        metrics_.timer_lateness.add(duration_bounds, late / 1e3);
        figures_.lateness = Milliseconds(static_cast<std::int64_t>(late));
    }
    if (!logs_at(LogLevel::info, tally_component)) return;
    log_info(
        tally_component,
        "a job for later was enqueued",
        {{"slot", text_of_slot(job.due)},
         {"job_id", job.id},
         {"job_type", job.type},
         {"queue", job.queue},
         {"lateness_ms", late},
         {"outcome", "enqueued"}}
    );
}

void FiringTally::timer_failed(const ScheduledJob& job, const Error& error, bool is_last) {
    {
        const std::lock_guard lock(mutex_);
        ++metrics_.timer_errors;
        ++figures_.errors;
    }
    log_line(
        is_last ? LogLevel::error : LogLevel::warn,
        tally_component,
        is_last ? "no store takes a job for later" : "a job could not be enqueued at its time",
        {{"slot", text_of_slot(job.due)},
         {"job_id", job.id},
         {"job_type", job.type},
         {"queue", job.queue},
         {"outcome", is_last ? "failed" : "error"},
         {"error", error.message()}}
    );
}

SchedulerFigures FiringTally::figures() const {
    const std::lock_guard lock(mutex_);
    return figures_;
}

void FiringTally::read(SchedulerMetrics& metrics) const {
    const std::lock_guard lock(mutex_);
    metrics.schedules.reserve(schedules_.size());
    for (const auto& [name, counts] : schedules_)
        metrics.schedules.push_back(counts);
    metrics.timers_enqueued = metrics_.timers_enqueued;
    metrics.timer_errors = metrics_.timer_errors;
    metrics.lateness = metrics_.lateness;
    metrics.timer_lateness = metrics_.timer_lateness;
    metrics.recomputed = metrics_.recomputed;
}

}  // namespace tranter::schedule
