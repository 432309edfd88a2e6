#pragma once

#include <tranter/error.hpp>
#include <tranter/job.hpp>

#include <string>
#include <string_view>

namespace tranter::jobs {

/// What differs from JobOptions{}, but for the group, as a JSON object with the names of the
/// fields: `{"priority":1,"retry":{"max_attempts":3},"timeout":"90s","tags":["a"]}`. Empty text
/// when nothing does. It travels with a job as the message attribute `tranter.options`.
std::string options_to_json(const JobOptions& options);
/// Empty text gives the defaults. `invalid_argument` with the path; unknown members are refused.
[[nodiscard]] Result<JobOptions> options_from_json(std::string_view text);

/// Message attribute that holds the type of a job, as any SQS client may set it.
inline constexpr std::string_view type_attribute = "type";
inline constexpr std::string_view options_attribute = "tranter.options";

}  // namespace tranter::jobs
