#pragma once

#include <tranter/job.hpp>
#include <tranter/worker_metrics.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What a scheduler measures of its schedules and of itself: everything that /metrics and /health
/// of `tranter schedule` and `tranter timers` show, for programs that have a scheduler inside.
namespace tranter {

/// Of the slots of one schedule, since the scheduler was made.
struct ScheduleMetrics {
    /// "other" for all schedules beyond the first 200.
    std::string schedule{};
    std::uint64_t enqueued = 0;
    std::uint64_t skipped = 0;  // by the overlap policy
    std::uint64_t missed = 0;   // by the misfire policy
    std::uint64_t errors =
        0;  // tries to enqueue that failed, and slots that nothing can be done for
    /// When its next job is due; empty when the schedule is paused, has ended, is "other", or
    /// comes after the next 200 of the store.
    std::optional<TimePoint> next_due{};
};

/// What waits for a scheduler.
struct DueWork {
    std::string name{};  // of the schedule, or the id of a job for later
    TimePoint due{};
    Milliseconds late{};  // 0: not due yet
};

struct SchedulerMetrics {
    std::vector<ScheduleMetrics> schedules{};  // by name
    std::uint64_t timers_enqueued = 0;         // jobs for later
    std::uint64_t timer_errors = 0;            // tries to enqueue them that failed
    /// From when a job was due, jitter included, until it was enqueued. Not of slots that waited
    /// for an earlier job.
    DurationBuckets lateness{};
    DurationBuckets timer_lateness{};
    std::uint64_t recomputed = 0;   // next slots that were another once time zones had changed
    DurationBuckets store_calls{};  // to the store of schedules, failed ones included
    std::uint64_t store_errors = 0;

    bool leads_schedules = false;
    bool leads_timers = false;
    std::string time_zone_data{};  // version, such as "2026a"; empty: unknown

    // In the store, when it was last looked at: every few seconds, every minute when it is large.
    std::optional<TimePoint> looked_at{};
    std::uint64_t enabled = 0;   // schedules that are neither paused nor over
    std::uint64_t paused = 0;    // schedules
    std::uint64_t due = 0;       // schedules whose time has come
    std::uint64_t claimed = 0;   // slots whose job is about to be enqueued
    std::uint64_t buffered = 0;  // slots that wait for an earlier job
    std::uint64_t timers_waiting = 0;
    std::uint64_t timers_due = 0;
    /// Of what this scheduler is there for, what has waited the longest or, when nothing is due,
    /// comes next. A scheduler that hangs is late with what was next when it last looked.
    std::optional<DueWork> next{};
};

/// Whether it works, for whoever supervises it.
struct SchedulerHealth {
    std::string store{};  // "sqlite", "postgres"
    bool runs = false;    // run() is at work
    /// Nothing has gone on for five minutes though something should have: starting it again is the
    /// only help.
    bool stuck = false;
    /// Of the store of schedules: whether it answered the last call, how long the last took that
    /// succeeded, the last that failed, and when.
    bool store_answers = true;
    std::optional<Milliseconds> store_latency{};
    std::string last_error{};
    std::optional<TimePoint> last_error_at{};
};

}  // namespace tranter
