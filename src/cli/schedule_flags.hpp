#pragma once

#include "cli/args.hpp"

#include <tranter/schedule.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace tranter::cli {

/// What the flags of `schedule add` and `edit` change; what they do not say stays.
/// `invalid_argument` names the flag.
[[nodiscard]] Result<> apply_schedule_flags(
    const Arguments& arguments, ScheduleDefinition& definition
);

std::vector<Option> schedule_flags();

/// A time of a flag; nothing when it is not given.
[[nodiscard]] Result<std::optional<TimePoint>> find_time_flag(
    const Arguments& arguments, std::string_view name
);

}  // namespace tranter::cli
