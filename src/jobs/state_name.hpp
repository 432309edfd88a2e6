#pragma once

#include <tranter/job.hpp>

#include <string_view>

namespace tranter::jobs {

/// As the Jobs API writes it: the name of the enumerator.
std::string_view state_name(JobState state);
/// Nothing more happens to it by itself.
constexpr bool is_finished(JobState state) {
    return state == JobState::completed || state == JobState::dead || state == JobState::cancelled;
}

}  // namespace tranter::jobs
