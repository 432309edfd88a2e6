#pragma once

#include "cli/job_record.hpp"
#include "cli/json.hpp"
#include "cli/output.hpp"
#include "schedule/store.hpp"

#include <tranter/schedule.hpp>

#include <vector>

namespace tranter::cli {

/// A schedule as it is shown: with what it runs, and what it has run.
Json schedule_record(const Schedule& schedule, const TimeStyle& style);
std::vector<Column> schedule_columns();

/// One of its runs.
Json run_record(const schedule::SlotRun& run, const TimeStyle& style);

}  // namespace tranter::cli
