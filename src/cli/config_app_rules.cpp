#include "base/suggest.hpp"
#include "base/unicode.hpp"
#include "cli/config_rules.hpp"
#include "supervise/fleet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tranter::cli {
namespace {

using Problem = std::optional<ConfigProblem>;

constexpr std::array<std::string_view, 4> role_names{"serve", "work", "schedule", "timers"};
constexpr std::size_t app_name_max = 100;

ConfigPath in_app(const AppConfig& app, std::initializer_list<std::string> names) {
    ConfigPath path{"apps", app.name};
    path.insert(path.end(), names);
    return path;
}

Problem find_name_problem(const AppConfig& app) {
    const bool is_word = !app.name.empty() && app.name.size() <= app_name_max &&
                         printable(app.name) == app.name && !app.name.contains('/');
    if (!is_word) {
        return problem_at(
            in_app(app, {}),
            fmt::format("is no name of an app, write 1 to {} characters without /", app_name_max)
        );
    }
    if (app.name == "all") return problem_at(in_app(app, {}), "means every app, use another name");
    return {};
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

Problem find_dependency_problem(const ServerConfig& config) {
    std::vector<supervise::App> apps;
    std::vector<std::string_view> names;
    for (const AppConfig& app : config.apps) {
        apps.push_back(app);
        names.push_back(app.name);
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
    for (const AppConfig& app : config.apps) {
        if (Problem found = find_name_problem(app)) return found;
        if (Problem found = find_command_problem(app)) return found;
        if (Problem found = find_increment_problem(app)) return found;
    }
    return find_dependency_problem(config);
}

}  // namespace tranter::cli
