#pragma once

#include "schedule/promoter.hpp"
#include "schedule/pulse.hpp"
#include "schedule/scheduler_report.hpp"
#include "schedule/waker.hpp"

#include <tranter/scheduler.hpp>
#include <tranter/scheduler_metrics.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace tranter::schedule {

/// A scheduler at work: sleeps until something is due, and does it. What is due is the store's
/// business, what becomes of it the Promoter's.
class SchedulerLoop {
  public:
    SchedulerLoop(
        std::shared_ptr<ScheduleStore> store,
        std::shared_ptr<Provider> provider,
        SchedulerOptions options
    );

    /// Until a stop is requested; one thread. Throws SystemError.
    void run(const std::stop_token& stop);
    /// Something has changed. Any thread.
    void wake() { waker_.wake(); }
    /// Any thread; none waits for the store.
    SchedulerFigures figures() const;
    SchedulerMetrics metrics() const;
    SchedulerHealth health() const;

    const std::string& name() const { return options_.name; }
    ZoneDirectory& zones() { return zones_; }

  private:
    struct Role {
        std::string_view name{};
        bool leads = false;
        TimePoint until{};                       // of whoever leads, by the clock of the store
        Pulse::Clock::time_point leads_until{};  // when it is ours
    };

    /// What goes on for no longer than this hangs, and after that it is stuck. A turn makes up to
    /// 50 calls to a provider, which may all have to time out.
    static constexpr auto hangs_after = std::chrono::seconds(10);
    static constexpr auto stuck_after = std::chrono::minutes(5);

    Result<TimePoint> work();
    Result<> look();
    bool hangs() const;
    void rest_until(TimePoint when, const std::stop_token& stop);
    Result<> lead(Role& role);
    /// A batch. Whether more is due.
    Result<bool> work_on_schedules();
    Result<TimePoint> next_wake();
    TimePoint rest_after_error(const Error& error);
    void publish_leases();
    void publish(const std::string& store_error);
    void release_leases();

    std::shared_ptr<ScheduleStore> store_;
    std::shared_ptr<Provider> provider_;
    SchedulerOptions options_;
    ZoneDirectory zones_{};
    Waker waker_{};
    Pulse pulse_{};
    SchedulerReport report_;

    // of the thread in run()
    Promoter promoter_;
    Role schedules_{.name = schedules_role};
    Role timers_{.name = timers_role};
    bool refreshed_ = false;
    std::uint32_t failures_ = 0;  // of the store, one after the other
    TimePoint trimmed_at_{};

    mutable std::mutex mutex_;
    // guarded by mutex_
    SchedulerFigures figures_{};
    Pulse::Clock::time_point leads_schedules_until_{};  // {} when it does not
    Pulse::Clock::time_point leads_timers_until_{};
};

}  // namespace tranter::schedule
