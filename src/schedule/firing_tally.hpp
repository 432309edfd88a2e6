#pragma once

#include "schedule/store.hpp"

#include <tranter/scheduler.hpp>
#include <tranter/scheduler_metrics.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::schedule {

/// What became of slots and of jobs for later: counts it, measures it, and tells the log, without
/// payloads. Thread-safe.
class FiringTally {
  public:
    static constexpr std::size_t schedules_max = 200;
    static constexpr std::string_view other_schedules = "other";

    /// Is there, so that its figures stand at 0 from the start.
    void expect(std::string_view schedule);

    /// `due_at` is when it should have been; empty when it had to wait for another job.
    void enqueued(
        const SlotRun& run,
        const std::string& job_id,
        std::optional<TimePoint> due_at,
        TimePoint now
    );
    /// `is_last`: it is not tried again.
    void failed(const SlotRun& run, const Error& error, bool is_last);
    void skipped(const RunKey& key, std::string_view reason);
    void missed(std::string_view schedule, std::uint64_t slots);
    /// Nothing can be done for a schedule as it stands.
    void undecided(std::string_view schedule, const Error& error);
    /// The job of an earlier slot, which was to make room.
    void not_cancelled(std::string_view schedule, const Error& error);
    /// The next slot is another one, since its time zone has changed.
    void recomputed(
        std::string_view schedule, std::optional<TimePoint> from, std::optional<TimePoint> to
    );

    void timer_enqueued(const ScheduledJob& job, TimePoint now);
    void timer_failed(const ScheduledJob& job, const Error& error, bool is_last);

    /// Without what the loop and the store know.
    SchedulerFigures figures() const;
    void read(SchedulerMetrics& metrics) const;

  private:
    ScheduleMetrics& counts_of(std::string_view schedule);

    mutable std::mutex mutex_;
    // guarded by mutex_
    std::map<std::string, ScheduleMetrics, std::less<>> schedules_{};
    SchedulerMetrics metrics_{};
    SchedulerFigures figures_{};
};

}  // namespace tranter::schedule
