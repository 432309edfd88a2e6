#pragma once

#include <tranter/job.hpp>

#include <string_view>

namespace tranter::jobs {

/// As the Jobs API writes it: the name of the enumerator.
std::string_view state_name(JobState state);

}  // namespace tranter::jobs
