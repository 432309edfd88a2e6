#include "schedule/scheduler_loop.hpp"

#include "base/log.hpp"
#include "base/process_name.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tranter::schedule {
namespace {

constexpr std::chrono::seconds buffered_rest(1);
constexpr std::chrono::hours trim_rest(1);
constexpr std::size_t trim_batch = 1000;

TimePoint wall_now() {
    return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now());
}

SchedulerOptions completed(SchedulerOptions options) {
    if (options.name.empty()) options.name = process_name();
    return options;
}

}  // namespace

SchedulerLoop::SchedulerLoop(
    std::shared_ptr<ScheduleStore> store,
    std::shared_ptr<Provider> provider,
    SchedulerOptions options
)
    : store_(std::move(store)),
      provider_(std::move(provider)),
      options_(completed(std::move(options))),
      report_(options_.recurring, options_.timers),
      promoter_(
          *store_,
          *provider_,
          zones_,
          wall_now,
          {.period_min = options_.period_min},
          [this](Step) { pulse_.beat(Pulse::Clock::now()); }
      ) {}

SchedulerFigures SchedulerLoop::figures() const {
    const std::lock_guard lock(mutex_);
    return figures_;
}

SchedulerMetrics SchedulerLoop::metrics() const {
    SchedulerMetrics metrics;
    promoter_.tally().read(metrics);
    const StoreMeter::State store = store_->meter().state();
    metrics.store_calls = store.calls;
    metrics.store_errors = store.errors;
    metrics.time_zone_data = zones_.version();
    report_.fill(metrics, wall_now(), hangs() || !store.answers);
    const auto now = Pulse::Clock::now();
    const std::lock_guard lock(mutex_);
    metrics.leads_schedules = leads_schedules_until_ > now;
    metrics.leads_timers = leads_timers_until_ > now;
    return metrics;
}

SchedulerHealth SchedulerLoop::health() const {
    const StoreMeter::State store = store_->meter().state();
    return {
        .store = std::string(store_->name()),
        .runs = pulse_.runs(),
        .stuck = pulse_.is_late(Pulse::Clock::now(), stuck_after),
        .store_answers = store.answers,
        .store_latency = store.latency,
        .last_error = store.last_error,
        .last_error_at = store.last_error_at};
}

bool SchedulerLoop::hangs() const {
    return pulse_.is_late(Pulse::Clock::now(), hangs_after);
}

/// As soon as it is known: a batch may take long, and a lease may end while the store is away.
void SchedulerLoop::publish_leases() {
    const std::lock_guard lock(mutex_);
    const auto until = [](const Role& role) {
        return role.leads ? role.leads_until : Pulse::Clock::time_point{};
    };
    leads_schedules_until_ = until(schedules_);
    leads_timers_until_ = until(timers_);
}

void SchedulerLoop::publish(const std::string& store_error) {
    publish_leases();
    const std::lock_guard lock(mutex_);
    figures_ = promoter_.tally().figures();
    figures_.leads = schedules_.leads || timers_.leads;
    figures_.store_error = store_error;
}

/// Takes the lease, or renews ours when a third of it has gone.
Result<> SchedulerLoop::lead(Role& role) {
    const TimePoint now = wall_now();
    const bool lasts = role.until > now && role.until <= now + options_.lease;
    if (role.leads && lasts && role.until - now > options_.lease * 2 / 3) return {};
    const auto asked_at = Pulse::Clock::now();
    const auto lease = store_->take_lease(role.name, options_.name, now, now + options_.lease);
    if (!lease) return std::unexpected(lease.error());
    if (lease->mine != role.leads) {
        log_info(
            "schedule",
            lease->mine ? "leads" : "stands by",
            {{"role", role.name}, {"scheduler", options_.name}, {"leader", lease->owner}}
        );
    }
    role.leads = lease->mine;
    role.until = lease->until;
    role.leads_until = asked_at + options_.lease;
    publish_leases();
    return {};
}

/// At the store, for whoever asks how it stands, and at the data about time zones.
Result<> SchedulerLoop::look() {
    pulse_.beat(Pulse::Clock::now());
    if (!report_.is_due(Pulse::Clock::now())) return {};
    if (zones_.reload_if_changed()) {
        log_info(
            "schedule",
            "the data about time zones have changed",
            {{"time_zone_data", zones_.version()}}
        );
        refreshed_ = false;
    }
    const auto soonest = report_.look(*store_, wall_now());
    if (!soonest) return std::unexpected(soonest.error());
    for (const StoreOverview::Due& one : *soonest)
        promoter_.tally().expect(one.name);
    return {};
}

Result<bool> SchedulerLoop::work_on_schedules() {
    if (!refreshed_) {
        if (auto done = promoter_.refresh(); !done) return std::unexpected(done.error());
        refreshed_ = true;
    }
    const auto more = promoter_.promote();
    if (!more) return more;
    if (auto done = promoter_.release_buffered(); !done) return std::unexpected(done.error());
    return more;
}

/// Returns when there is next something to do.
Result<TimePoint> SchedulerLoop::work() {
    store_->drain_wake();
    bool is_more_due = false;
    if (options_.recurring) {
        if (auto done = lead(schedules_); !done) return std::unexpected(done.error());
        if (schedules_.leads) {
            const auto more = work_on_schedules();
            if (!more) return std::unexpected(more.error());
            is_more_due = *more;
        }
    }
    if (options_.timers) {
        if (auto done = lead(timers_); !done) return std::unexpected(done.error());
        if (timers_.leads) {
            const auto more = promoter_.move_timers();
            if (!more) return std::unexpected(more.error());
            is_more_due = is_more_due || *more;
        }
    }
    if (auto done = look(); !done) return std::unexpected(done.error());
    // The other role, the leases and a stop must not wait until all is done that was late.
    if (is_more_due) return wall_now();
    const TimePoint now = wall_now();
    if (now - trimmed_at_ > trim_rest && (schedules_.leads || timers_.leads)) {
        const auto gone = store_->trim(now - options_.keep_runs, trim_batch);
        if (!gone) return std::unexpected(gone.error());
        if (*gone < trim_batch) trimmed_at_ = now;
    }
    return next_wake();
}

Result<TimePoint> SchedulerLoop::next_wake() {
    const auto next = store_->next_work();
    if (!next) return std::unexpected(next.error());
    const TimePoint now = wall_now();
    TimePoint when = now + options_.poll_interval;
    const auto consider = [&](const Role& role, const std::optional<TimePoint>& due) {
        if (!role.leads) {
            when = std::min(when, role.until);
            return;
        }
        when = std::min(when, role.until - options_.lease * 2 / 3);
        if (due) when = std::min(when, *due);
    };
    if (options_.recurring) {
        consider(schedules_, next->recurring);
        if (schedules_.leads && next->buffered) when = std::min(when, now + buffered_rest);
    }
    if (options_.timers) consider(timers_, next->timers);
    return when;
}

TimePoint SchedulerLoop::rest_after_error(const Error& error) {
    if (failures_ == 0) {
        log_error("schedule", "the store does not answer", {{"error", error.message()}});
    }
    const auto rest = rest_after(failures_);
    ++failures_;
    return wall_now() + rest;
}

void SchedulerLoop::release_leases() {
    for (const Role& role : {schedules_, timers_}) {
        if (!role.leads) continue;
        // Nothing depends on it: it ends by itself.
        if (auto done = store_->release_lease(role.name, options_.name); !done) return;
    }
}

void SchedulerLoop::rest_until(TimePoint when, const std::stop_token& stop) {
    const auto now = Pulse::Clock::now();
    const auto rest = std::max(when - wall_now(), TimePoint::duration::zero());
    pulse_.rests_until(now + rest);
    waker_.sleep_until(when, store_->wake_fd(), stop);
    pulse_.beat(Pulse::Clock::now());
}

void SchedulerLoop::run(const std::stop_token& stop) {
    pulse_.beat(Pulse::Clock::now());
    log_info(
        "schedule",
        "scheduling",
        {{"scheduler", options_.name},
         {"store", store_->name()},
         {"time_zone_data", zones_.version()}}
    );
    while (!stop.stop_requested()) {
        const auto next = work();
        TimePoint when{};
        if (next) {
            if (failures_ > 0) log_info("schedule", "the store answers again");
            failures_ = 0;
            when = *next;
        } else {
            when = rest_after_error(next.error());
        }
        publish(next ? std::string() : next.error().message());
        rest_until(when, stop);
    }
    release_leases();
    schedules_.leads = false;
    timers_.leads = false;
    pulse_.stops();
    publish({});
}

}  // namespace tranter::schedule
