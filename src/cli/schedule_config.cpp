#include "cli/schedule_config.hpp"

#include "cli/config_rules.hpp"
#include "cli/schedule_expression.hpp"
#include "schedule/interval.hpp"
#include "schedule/registration.hpp"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

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

/// What is wrong with a schedule that has a time and a type; empty: nothing.
std::string trouble_of(const ScheduleConfig& config, schedule::ZoneDirectory& zones) {
    const auto definition = schedule_definition(config);
    if (!definition) return definition.error().message();
    const auto cadence = schedule::check_definition(zones, *definition);
    if (!cadence) return cadence.error().message();
    // What has ended is right; what could not fire on any day is a mistake.
    const auto fires = cadence->check_fires({});
    return fires ? std::string() : fires.error().message();
}

/// A key, and what it may always say.
struct Suspect {
    std::string_view key;
    void (*clear)(ScheduleConfig& config);
};

template <auto member>
constexpr Suspect suspect(std::string_view key) {
    return {key, [](ScheduleConfig& config) {
                config.*member = ScheduleConfig{.name = {}}.*member;
            }};
}

constexpr Suspect suspects[] = {
    {"cron",
     [](ScheduleConfig& config) {
         if (!config.cron.empty()) config.cron = "@daily";
     }},
    {"every",
     [](ScheduleConfig& config) {
         if (!config.every.empty()) config.every = "1h";
     }},
    {"type",
     [](ScheduleConfig& config) {
         config.type = "t";
     }},
    suspect<&ScheduleConfig::timezone>("timezone"),
    suspect<&ScheduleConfig::anchor>("anchor"),
    suspect<&ScheduleConfig::queue>("queue"),
    suspect<&ScheduleConfig::payload>("payload"),
    suspect<&ScheduleConfig::group>("group"),
    suspect<&ScheduleConfig::tags>("tags"),
    suspect<&ScheduleConfig::priority>("priority"),
    suspect<&ScheduleConfig::timeout>("timeout"),
    suspect<&ScheduleConfig::ttl>("ttl"),
    suspect<&ScheduleConfig::retry>("retry"),
    suspect<&ScheduleConfig::jitter>("jitter"),
    suspect<&ScheduleConfig::overlap>("overlap"),
    suspect<&ScheduleConfig::end_at>("end_at"),
    suspect<&ScheduleConfig::start_at>("start_at"),
};

/// The key without which that would not be wrong. Who finds a mistake does not say in which of them
/// it is: an expression may name a zone, and two times may contradict each other.
ConfigPath culprit_of(
    const ScheduleConfig& config, const std::string& trouble, schedule::ZoneDirectory& zones
) {
    for (const Suspect& one : suspects) {
        ScheduleConfig without = config;
        one.clear(without);
        if (without != config && trouble_of(without, zones) != trouble) {
            return {"schedules", config.name, std::string(one.key)};
        }
    }
    return {"schedules", config.name};
}

std::optional<ConfigProblem> schedule_problem(
    const ScheduleConfig& config, schedule::ZoneDirectory& zones
) {
    const ConfigPath table{"schedules", config.name};
    if (config.cron.empty() && config.every.empty()) {
        return problem_at(table, "has no time, write cron = \"0 9 * * *\" or every = \"30m\"");
    }
    if (!config.cron.empty() && !config.every.empty()) {
        return problem_at(
            {"schedules", config.name, "every"}, "stands beside cron, keep one of them"
        );
    }
    if (config.type.empty()) return problem_at(table, "has no type, write that of its jobs");
    const std::string trouble = trouble_of(config, zones);
    if (trouble.empty()) return {};
    return problem_at(culprit_of(config, trouble, zones), trouble);
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
