#pragma once

#include "cli/args.hpp"

#include <tranter/job.hpp>

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

namespace tranter::cli {

/// What the flags of `job enqueue` say of a job, everything but its type and payload; what they do
/// not say is as in `job`.
[[nodiscard]] Result<NewJob> read_job_flags(const Arguments& arguments, NewJob job = {});

/// The options that read_job_flags reads.
std::vector<Option> job_flags();

/// A duration of whole milliseconds, which is what jobs have.
[[nodiscard]] Result<std::optional<Milliseconds>> find_milliseconds(
    const Arguments& arguments, std::string_view name
);

}  // namespace tranter::cli
