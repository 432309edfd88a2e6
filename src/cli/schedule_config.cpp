#include "cli/schedule_config.hpp"

#include "cli/config_rules.hpp"
#include "cli/schedule_expression.hpp"
#include "schedule/interval.hpp"
#include "schedule/registration.hpp"

#include <fmt/format.h>

#include <chrono>

namespace tranter::cli {
namespace {

Milliseconds whole_milliseconds(Duration duration) {
    return std::chrono::ceil<Milliseconds>(duration);
}

Result<> read_moment(
    const std::string& text, std::string_view what, std::optional<TimePoint>& moment
) {
    if (text.empty()) return {};
    const auto parsed = parse_moment(text, what);
    if (!parsed) return std::unexpected(parsed.error());
    moment = *parsed;
    return {};
}

RetryPolicy retry_policy(const RetryConfig& config) {
    if (config.max_attempts == 0) return {};
    return {
        .max_attempts = config.max_attempts,
        .base = whole_milliseconds(config.base),
        .factor = config.factor,
        .max = whole_milliseconds(config.max),
        .jitter = static_cast<double>(config.jitter_percent) / 100};
}

std::optional<ConfigProblem> schedule_problem(
    const ScheduleConfig& config, schedule::ZoneDirectory& zones
) {
    const ConfigPath path{"schedules", config.name};
    if (config.cron.empty() == config.every.empty()) {
        return problem_at(
            path,
            config.cron.empty() ? "has no time, write cron = \"0 9 * * *\" or every = \"30m\""
                                : "has both of cron and every, keep one"
        );
    }
    if (config.type.empty()) {
        return problem_at(path, "has no type, write that of its jobs");
    }
    const auto definition = schedule_definition(config);
    if (!definition) return problem_at(path, definition.error().message());
    const auto cadence = schedule::check_definition(zones, *definition);
    if (!cadence) return problem_at(path, cadence.error().message());
    // What has ended is right; what could not fire on any day is a mistake.
    if (const auto fires = cadence->check_fires({}); !fires) {
        return problem_at(path, fires.error().message());
    }
    return {};
}

}  // namespace

Result<ScheduleDefinition> schedule_definition(const ScheduleConfig& config) {
    ScheduleDefinition definition{
        .name = config.name,
        .expression = config.every.empty() ? config.cron : interval_expression(config.every),
        .timezone = config.timezone,
        .queue = config.queue,
        .type = config.type,
        .payload = config.payload};
    JobOptions& options = definition.options;
    options.priority = static_cast<int>(config.priority);
    options.group = config.group;
    options.tags = config.tags;
    options.timeout = whole_milliseconds(config.timeout);
    options.ttl = whole_milliseconds(config.ttl);
    options.retry = retry_policy(config.retry);
    ScheduleRules& rules = definition.rules;
    rules.misfire = {
        .policy = config.misfire,
        .window = whole_milliseconds(config.misfire_window),
        .cap = config.misfire_cap};
    rules.overlap = config.overlap;
    rules.anchor = config.anchor;
    rules.jitter = whole_milliseconds(config.jitter);
    rules.max_runs = config.max_runs;
    rules.dst_gap = config.dst_gap;
    rules.dst_overlap = config.dst_overlap;
    if (auto done = read_moment(config.start_at, "start_at", rules.start_at); !done) {
        return std::unexpected(done.error());
    }
    if (auto done = read_moment(config.end_at, "end_at", rules.end_at); !done) {
        return std::unexpected(done.error());
    }
    return definition;
}

std::optional<ConfigProblem> find_schedule_problem(const ServerConfig& config) {
    if (config.schedules.empty()) return {};
    schedule::ZoneDirectory zones;
    for (const ScheduleConfig& one : config.schedules) {
        if (auto found = schedule_problem(one, zones)) return found;
    }
    return {};
}

}  // namespace tranter::cli
