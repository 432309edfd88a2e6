#pragma once

#include <tranter/context.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::handlers {

/// Which variables a handler's process may see. Everything else of ours stays with us: secrets
/// live in environments.
struct EnvironmentRules {
    /// Names taken from ours beside the usual ones (PATH, HOME, USER, LANG, LC_ALL, TZ, TMPDIR).
    std::vector<std::string> pass{};
    std::map<std::string, std::string> set{};

    bool operator==(const EnvironmentRules&) const = default;
};

using Getenv = std::function<const char*(const std::string&)>;

/// The environment of a handler that does any job: "NAME=value" each.
std::vector<std::string> base_environment(const EnvironmentRules& rules, const Getenv& getenv);

/// What a process that does one job is told about it: TRANTER_JOB_ID, _JOB_TYPE, _QUEUE, _GROUP,
/// _ATTEMPT, _MAX_ATTEMPTS, _RUN and _RUNS.
void append_job_environment(std::vector<std::string>& environment, const Context& context);

/// Names the job that a process was started for; see process::initial_variable.
inline constexpr std::string_view job_id_variable = "TRANTER_JOB_ID";

}  // namespace tranter::handlers
