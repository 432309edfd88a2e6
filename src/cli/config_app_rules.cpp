#include "appfile/load.hpp"
#include "base/suggest.hpp"
#include "cli/config_rules.hpp"
#include "schedule/cadence.hpp"
#include "schedule/zone_directory.hpp"
#include "supervise/fleet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tranter::cli {
namespace {

using Problem = std::optional<ConfigProblem>;

constexpr std::array<std::string_view, 4> role_names{"serve", "work", "schedule", "timers"};

ConfigPath in_app(const AppConfig& app, std::initializer_list<std::string> names) {
    ConfigPath path{"apps", app.name};
    path.insert(path.end(), names);
    return path;
}

Problem find_app_name_problem(const AppConfig& app) {
    if (appfile::is_app_name(app.name)) return {};
    return problem_at(
        in_app(app, {}),
        app.name == "all" ? "means every app, use another name"
                          : "is no name of an app, write 1 to 200 characters"
    );
}

Problem find_command_problem(const AppConfig& app) {
    if (app.command.empty() == app.role.empty()) {
        return problem_at(
            in_app(app, {}),
            app.role.empty()
                ? "has nothing to run, write command = [\"PROGRAM\"] or role = \"work\""
                : "has both command and role, keep one"
        );
    }
    if (!app.role.empty() && std::ranges::find(role_names, app.role) == role_names.end()) {
        return problem_at(
            in_app(app, {"role"}),
            fmt::format(
                "is \"{}\"{}, use serve, work, schedule or timers",
                app.role,
                did_you_mean(app.role, role_names)
            )
        );
    }
    return {};
}

Problem find_increment_problem(const AppConfig& app) {
    if (app.increment_variable.empty()) return {};
    const auto found = std::ranges::find_if(app.environment, [&](const auto& variable) {
        return variable.first == app.increment_variable;
    });
    const bool is_number =
        found != app.environment.end() && !found->second.empty() && found->second.size() < 10 &&
        std::ranges::all_of(found->second, [](char c) { return c >= '0' && c <= '9'; });
    if (is_number) return {};
    return problem_at(
        in_app(app, {"increment_variable"}),
        fmt::format("is {}, which has no whole number in environment", app.increment_variable)
    );
}

Problem find_cron_problem(const AppConfig& app, schedule::ZoneDirectory& zones) {
    if (app.restart_cron.empty()) return {};
    const auto cadence = schedule::Cadence::parse(app.restart_cron, {}, zones);
    if (cadence) return {};
    return problem_at(in_app(app, {"restart_cron"}), cadence.error().message());
}

Problem find_dependency_problem(const ServerConfig& config) {
    std::vector<supervise::App> apps;
    std::vector<std::string_view> names;
    for (const AppConfig& app : config.apps) {
        apps.push_back(app);
        names.push_back(app.name);
    }
    for (const std::string_view role : implied_roles) {
        if (std::ranges::find(names, role) != names.end()) continue;
        apps.push_back({.name = std::string(role)});
        names.push_back(role);
    }
    for (const AppConfig& app : config.apps) {
        for (const supervise::Dependency& one : app.depends_on) {
            if (std::ranges::find(names, one.app) != names.end()) continue;
            return problem_at(
                in_app(app, {"depends_on"}),
                fmt::format(
                    "\"{}\" is no app of this file{}", one.app, did_you_mean(one.app, names)
                )
            );
        }
    }
    if (const auto checked = supervise::check_dependencies(apps); !checked) {
        return problem_at({"apps"}, checked.error().message());
    }
    return {};
}

}  // namespace

std::optional<ConfigProblem> find_app_problem(const ServerConfig& config) {
    if (config.apps.empty()) return {};
    schedule::ZoneDirectory zones;
    for (const AppConfig& app : config.apps) {
        if (Problem found = find_app_name_problem(app)) return found;
        if (Problem found = find_command_problem(app)) return found;
        if (Problem found = find_increment_problem(app)) return found;
        if (Problem found = find_cron_problem(app, zones)) return found;
    }
    return find_dependency_problem(config);
}

}  // namespace tranter::cli
