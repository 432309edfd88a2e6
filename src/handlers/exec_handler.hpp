#pragma once

#include "base/time.hpp"
#include "handlers/environment.hpp"
#include "handlers/orphan_watch.hpp"
#include "process/spawn.hpp"

#include <tranter/registry.hpp>

#include <memory>
#include <string>
#include <vector>

namespace tranter::handlers {

struct ExecOptions {
    std::vector<std::string> command{};  // the program and its arguments, for no shell
    std::string directory{};             // empty: that of the worker
    EnvironmentRules environment{};
    process::ResourceLimits limits{};
    /// Between SIGTERM and SIGKILL when it has to stop.
    Duration grace = std::chrono::seconds(5);
};

/// A command for each job. It gets the payload on its input, and about the job what
/// append_job_environment() says.
///
/// | it ends with | the attempt is |
/// |---|---|
/// | 0 | completed; the output is the result: JSON, or else text |
/// | 75 (EX_TEMPFAIL) | failed |
/// | 65 (EX_DATAERR) | dead |
/// | another code, a signal | failed |
///
/// The last lines of its error output say why, and all of them are the job's log. When the job has
/// to stop, its process group gets SIGTERM and, after `grace`, SIGKILL; what is left of the group
/// goes when the program ends. What it says then with 0 or 65 counts as ever; anything else is how
/// it stopped.
///
/// With `orphans` also what left the group goes, a moment later.
///
/// Throws Exception (`invalid_argument`) for an empty command, and for a placeholder such as
/// {payload} in it: what a job brings never becomes part of a command.
[[nodiscard]] RunHandler make_exec_handler(
    ExecOptions options, const Getenv& getenv, std::shared_ptr<OrphanWatch> orphans = {}
);

inline constexpr int exit_dead = 65;
inline constexpr int exit_retry = 75;

}  // namespace tranter::handlers
