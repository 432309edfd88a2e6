#pragma once

#include <tranter/error.hpp>
#include <tranter/job.hpp>

#include <span>
#include <string_view>

/// What stores of our own look at before they take jobs.
namespace tranter::jobs {

/// Whether it is one well-formed JSON value.
bool is_json_value(std::string_view text);

/// `invalid_argument` for more jobs than jobs_per_call_max, and for the first one that has a
/// problem_of() or a payload that is no JSON, with its place among several.
[[nodiscard]] Result<> check_new_jobs(std::span<const NewJob> jobs);

}  // namespace tranter::jobs
