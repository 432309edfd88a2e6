#pragma once

#include "base/time.hpp"

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
/// _ATTEMPT, _MAX_ATTEMPTS, _RUN and _RUNS; of its trace, TRACEPARENT and TRACESTATE, where it has
/// one.
void append_job_environment(std::vector<std::string>& environment, const Context& context);

/// What a process that does many jobs is told: TRANTER_PROTOCOL, TRANTER_CHILD_ID, and in
/// TRANTER_HEARTBEAT_MS how often it should say something, a third of `heartbeat_timeout`, unless
/// that is 0.
void append_child_environment(
    std::vector<std::string>& environment, std::string_view id, Duration heartbeat_timeout
);

/// Names the process of a pool that a process belongs to; see process::initial_variable.
inline constexpr std::string_view child_id_variable = "TRANTER_CHILD_ID";
/// Names the job that a process was started for.
inline constexpr std::string_view job_id_variable = "TRANTER_JOB_ID";

}  // namespace tranter::handlers
