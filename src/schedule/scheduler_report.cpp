#include "schedule/scheduler_report.hpp"

#include <algorithm>
#include <utility>

namespace tranter::schedule {

Result<std::vector<StoreOverview::Due>> SchedulerReport::look(ScheduleStore& store, TimePoint now) {
    constexpr int rest_for_each_time = 1000;
    constexpr Clock::duration rest_min = std::chrono::seconds(1);
    constexpr Clock::duration rest_max = std::chrono::minutes(1);
    const auto begun = Clock::now();
    auto overview = store.overview(now, soonest_max);
    if (!overview) return std::unexpected(overview.error());
    const auto took = Clock::now() - begun;
    next_look_ = begun + std::clamp(took * rest_for_each_time, rest_min, rest_max);
    auto names = overview->soonest;
    const std::lock_guard lock(mutex_);
    overview_ = std::move(*overview);
    looked_at_ = now;
    return names;
}

/// With mutex_ held: of what the scheduler is there for.
std::optional<StoreOverview::Due> SchedulerReport::first() const {
    std::optional<StoreOverview::Due> first;
    const auto consider = [&](const StoreOverview::Due& one) {
        if (!first || one.due < first->due) first = one;
    };
    if (recurring_) {
        if (!overview_.soonest.empty()) consider(overview_.soonest.front());
        if (overview_.oldest_run) consider(*overview_.oldest_run);
    }
    if (timers_ && overview_.next_job) consider(*overview_.next_job);
    return first;
}

void SchedulerReport::fill(SchedulerMetrics& metrics, TimePoint now, bool hangs) const {
    const std::lock_guard lock(mutex_);
    metrics.looked_at = looked_at_;
    if (!looked_at_) return;
    metrics.enabled = overview_.enabled;
    metrics.paused = overview_.paused;
    metrics.due = overview_.due;
    metrics.claimed = overview_.claimed;
    metrics.buffered = overview_.buffered;
    metrics.timers_waiting = overview_.jobs_waiting;
    metrics.timers_due = overview_.jobs_due;
    for (const StoreOverview::Due& one : overview_.soonest) {
        const auto place =
            std::ranges::lower_bound(metrics.schedules, one.name, {}, &ScheduleMetrics::schedule);
        const bool is_known = place != metrics.schedules.end() && place->schedule == one.name;
        if (is_known) place->next_due = one.due;
    }
    const auto next = first();
    if (!next) return;
    const TimePoint then = hangs ? now : *looked_at_;
    const auto late = std::chrono::floor<Milliseconds>(then - next->due);
    metrics.next = {
        .name = next->name, .due = next->due, .late = std::max(late, Milliseconds::zero())};
}

}  // namespace tranter::schedule
