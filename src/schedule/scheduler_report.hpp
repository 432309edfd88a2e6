#pragma once

#include "schedule/store.hpp"

#include <tranter/scheduler_metrics.hpp>

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>

namespace tranter::schedule {

/// How the store stood when a scheduler last looked, for whoever asks from another thread and must
/// not wait for the store. One thread looks.
class SchedulerReport {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::size_t soonest_max = 200;

    /// `recurring`, `timers`: what the scheduler is there for.
    SchedulerReport(bool recurring, bool timers) : recurring_(recurring), timers_(timers) {}

    /// Looking takes time in a large store: it gets a thousandth of all time, but is done every
    /// minute, and every second at most.
    bool is_due(Clock::time_point now) const { return now >= next_look_; }
    /// The names of the schedules that come next.
    [[nodiscard]] Result<std::vector<StoreOverview::Due>> look(ScheduleStore& store, TimePoint now);

    /// `hangs`: nothing has gone on since, so that what was next by then may have become late.
    void fill(SchedulerMetrics& metrics, TimePoint now, bool hangs) const;

  private:
    std::optional<StoreOverview::Due> first() const;

    const bool recurring_;
    const bool timers_;
    Clock::time_point next_look_{};  // of the thread that looks

    mutable std::mutex mutex_;
    // guarded by mutex_
    StoreOverview overview_{};
    std::optional<TimePoint> looked_at_{};
};

}  // namespace tranter::schedule
