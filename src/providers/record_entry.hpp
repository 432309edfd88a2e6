#pragma once

#include "history/entry.hpp"

#include <tranter/job.hpp>

namespace tranter::providers {

/// What a filter can be compared with, but for the log: a job that is not in the history.
history::JobEntry comparable(const JobRecord& record);

}  // namespace tranter::providers
