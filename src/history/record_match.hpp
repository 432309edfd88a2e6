#pragma once

#include "history/entry.hpp"
#include "history/filter.hpp"

#include <tranter/job.hpp>

/// Whether a filter of the history chooses a job that is not in one.
namespace tranter::history {

/// What Matcher looks at, but for the log.
JobEntry comparable(const JobRecord& record);

/// What Matcher leaves out: whether it ended when `filter` asks for. One that has not ended did so
/// in no time that is asked for.
bool is_in_time(const HistoryFilter& filter, const JobRecord& record);

}  // namespace tranter::history
