#pragma once

#include <tranter/error.hpp>
#include <tranter/job.hpp>

#include <string>
#include <string_view>

namespace tranter::jobs {

/// What differs from JobOptions{}, but for the group, as a JSON object with the names of the
/// fields: `{"priority":1,"retry":{"max_attempts":3},"timeout":"90s","tags":["a"]}`. Empty text
/// when nothing does.
std::string options_to_json(const JobOptions& options);
/// The same as it travels with a job, in the message attribute `tranter.options`: the trace has
/// attributes of its own, which others than we know.
std::string options_to_json_without_trace(const JobOptions& options);
/// Empty text gives the defaults. `invalid_argument` with the path; unknown members are refused.
[[nodiscard]] Result<JobOptions> options_from_json(std::string_view text);

/// Message attribute that holds the type of a job, as any SQS client may set it.
inline constexpr std::string_view type_attribute = "type";
inline constexpr std::string_view options_attribute = "tranter.options";

}  // namespace tranter::jobs
