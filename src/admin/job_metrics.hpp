#pragma once

#include "admin/exposition.hpp"

#include <tranter/worker_metrics.hpp>

namespace tranter::admin {

/// The metrics of jobs, by queue and type, as the worker that ran them sees them.
void render_jobs(Exposition& out, const std::vector<JobTypeMetrics>& jobs);

}  // namespace tranter::admin
