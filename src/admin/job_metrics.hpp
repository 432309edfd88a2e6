#pragma once

#include "admin/exposition.hpp"

#include <tranter/span_counts.hpp>
#include <tranter/worker_metrics.hpp>

#include <vector>

namespace tranter::admin {

/// The metrics of jobs, by queue and type, as the worker that ran them sees them.
void render_jobs(Exposition& out, const std::vector<JobTypeMetrics>& jobs);

/// What became of the spans of jobs.
void render_spans(Exposition& out, const SpanCounts& counts);

}  // namespace tranter::admin
