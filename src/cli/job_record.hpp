#pragma once

#include "cli/json.hpp"
#include "cli/output.hpp"

#include <tranter/job.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

class JobSession;

/// How the times of a record are written.
struct TimeStyle {
    bool relative = false;  // "5m ago", "in 20s"; otherwise RFC 3339
    TimePoint now{};
};

/// Relative only in tables: what a program reads has to mean the same tomorrow.
TimeStyle time_style(const JobSession& session);

std::string time_cell(TimePoint when, const TimeStyle& style);

/// A job as the Jobs API writes it, but for the style of its times.
Json job_record(const JobRecord& job, const TimeStyle& style);

/// A row of a list: the same, and "error" says what the last attempt failed with or why there are
/// no more.
Json job_row(const JobRecord& job, const TimeStyle& style);
std::vector<Column> job_columns();

}  // namespace tranter::cli
