#pragma once

#include "admin/exposition.hpp"

#include <tranter/scheduler_metrics.hpp>

namespace tranter::admin {

/// The metrics of schedules, and those of jobs for later.
void render_schedules(Exposition& out, const SchedulerMetrics& metrics);
void render_timers(Exposition& out, const SchedulerMetrics& metrics);
/// How the store of schedules answers.
void render_schedule_store(
    Exposition& out, const SchedulerMetrics& metrics, const SchedulerHealth& health
);

}  // namespace tranter::admin
