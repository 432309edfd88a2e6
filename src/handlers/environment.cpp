#include "handlers/environment.hpp"

#include "handlers/child_message.hpp"

#include <algorithm>
#include <array>

namespace tranter::handlers {
namespace {

constexpr std::array<std::string_view, 7> usual_names{
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"};

/// A zero byte cannot be in an environment; what comes from a job may have one.
void append(std::vector<std::string>& out, std::string_view name, std::string_view value) {
    std::string entry = std::string(name) + "=" + std::string(value);
    std::ranges::replace(entry, '\0', '?');
    out.push_back(std::move(entry));
}

}  // namespace

std::vector<std::string> base_environment(const EnvironmentRules& rules, const Getenv& getenv) {
    std::vector<std::string> out;
    const auto pass = [&](const std::string& name) {
        if (rules.set.contains(name)) return;
        if (const char* value = getenv(name)) append(out, name, value);
    };
    for (const std::string_view name : usual_names)
        pass(std::string(name));
    for (const std::string& name : rules.pass) {
        if (std::ranges::find(usual_names, name) == usual_names.end()) pass(name);
    }
    for (const auto& [name, value] : rules.set)
        append(out, name, value);
    return out;
}

void append_job_environment(std::vector<std::string>& environment, const Context& context) {
    append(environment, job_id_variable, context.id());
    append(environment, "TRANTER_JOB_TYPE", context.type());
    append(environment, "TRANTER_QUEUE", context.queue());
    append(environment, "TRANTER_GROUP", context.group());
    append(environment, "TRANTER_ATTEMPT", std::to_string(context.attempt()));
    append(environment, "TRANTER_MAX_ATTEMPTS", std::to_string(context.max_attempts()));
    append(environment, "TRANTER_RUN", std::to_string(context.run()));
    append(environment, "TRANTER_RUNS", std::to_string(context.runs()));
    if (context.traceparent().empty()) return;
    append(environment, "TRACEPARENT", context.traceparent());
    if (!context.tracestate().empty()) append(environment, "TRACESTATE", context.tracestate());
}

void append_child_environment(
    std::vector<std::string>& environment, std::string_view id, Duration heartbeat_timeout
) {
    append(environment, "TRANTER_PROTOCOL", std::to_string(child_protocol));
    append(environment, child_id_variable, id);
    if (heartbeat_timeout.count() == 0) return;
    const auto often = std::chrono::ceil<std::chrono::milliseconds>(heartbeat_timeout / 3);
    append(environment, "TRANTER_HEARTBEAT_MS", std::to_string(often.count()));
}

}  // namespace tranter::handlers
