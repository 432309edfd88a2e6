#include "cli/up_plan.hpp"

#include "appfile/load.hpp"
#include "base/suggest.hpp"
#include "base/unicode.hpp"
#include "cli/app_config.hpp"
#include "cli/config_file.hpp"
#include "cli/daemon_launch.hpp"
#include "cli/up_roles.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>

namespace tranter::cli {
namespace {

using supervise::App;

constexpr std::string_view home_name = "TRANTER_HOME";

bool is_config(const std::string& path) {
    return path.ends_with(".toml") || path.ends_with(".conf") || path.ends_with(".hocon");
}

/// So that `tranter ps` and the like mean the same daemon inside an app.
void tell_home(std::vector<App>& apps, const control::Home& home) {
    for (App& app : apps) {
        const auto is_home = [](const auto& variable) {
            return variable.first == home_name;
        };
        if (std::ranges::none_of(app.environment, is_home)) {
            app.environment.emplace_back(home_name, home.directory);
        }
    }
}

/// A file that has apps of its own names the roles that it wants, or depends on them by the names
/// that they have without such apps.
ServerConfig with_roles(ServerConfig config, const std::vector<App>& roles) {
    const auto is_needed = [&](const App& role) {
        const auto is_role = [&](const supervise::Dependency& needed) {
            return needed.app == role.name;
        };
        return std::ranges::find(config.apps, role.name, &AppConfig::name) == config.apps.end() &&
               std::ranges::any_of(config.apps, [&](const AppConfig& app) {
                   return std::ranges::any_of(app.depends_on, is_role);
               });
    };
    // The server is the first of them, and is what the others depend on.
    for (auto role = roles.rbegin(); role != roles.rend(); ++role) {
        if (!is_needed(*role)) continue;
        AppConfig added;
        static_cast<App&>(added) = *role;
        config.apps.push_back(std::move(added));
    }
    return config;
}

Result<UpPlan> plan_roles(const UpOptions& options, const std::string& path) {
    auto loaded = load_config(path, process_environment());
    if (!loaded) return std::unexpected(loaded.error());
    if (auto done = apply_environment(loaded->config, options.environment); !done) {
        return std::unexpected(done.error());
    }
    UpPlan plan{.file = path, .remarks = std::move(loaded->notices)};
    plan.apps = role_apps(loaded->config, path, options.home, options.environment);
    if (!loaded->config.apps.empty()) {
        auto apps = apps_of(
            with_roles(loaded->config, plan.apps),
            {.config_path = path,
             .program = own_program(),
             .environment = options.environment,
             .logs_directory = options.home.logs()}
        );
        if (!apps) return std::unexpected(apps.error());
        plan.apps = std::move(*apps);
    }
    plan.config = std::move(loaded->config);
    return plan;
}

Result<UpPlan> plan_file(const UpOptions& options, const std::string& path) {
    auto loaded = appfile::load(
        {.path = path,
         .directory = std::filesystem::current_path().string(),
         .environment_name = options.environment_name,
         .environment = options.environment,
         .logs_directory = options.home.logs(),
         .home = options.home.directory}
    );
    if (!loaded) return std::unexpected(loaded.error());
    UpPlan plan{.apps = std::move(loaded->apps), .file = path};
    for (const appfile::Remark& remark : loaded->remarks)
        plan.remarks.push_back(fmt::format("{}: {}: {}", path, remark.where, remark.text));
    return plan;
}

}  // namespace

std::string find_up_file(const std::string& directory) {
    constexpr auto names = std::to_array<std::string_view>(
        {"tranter.toml",
         "ecosystem.config.js",
         "ecosystem.config.cjs",
         "ecosystem.config.mjs",
         "ecosystem.config.json",
         "ecosystem.json",
         "ecosystem.yaml",
         "ecosystem.yml",
         "Procfile"}
    );
    for (const std::string_view name : names) {
        std::string path = directory + "/" + std::string(name);
        if (::access(path.c_str(), F_OK) == 0) return path;
    }
    return {};
}

Result<std::vector<App>> choose_apps(std::vector<App> apps, const std::vector<std::string>& names) {
    if (names.empty()) return apps;
    std::set<std::string, std::less<>> wanted(names.begin(), names.end());
    for (const std::string& name : names) {
        if (std::ranges::find(apps, name, &App::name) != apps.end()) continue;
        std::vector<std::string_view> known;
        for (const App& app : apps)
            known.push_back(app.name);
        return fail(
            Errc::not_found, "there is no app " + in_quotes(name) + did_you_mean(name, known)
        );
    }
    for (std::size_t before = 0; before != wanted.size();) {
        before = wanted.size();
        for (const App& app : apps) {
            if (!wanted.contains(app.name)) continue;
            for (const supervise::Dependency& needed : app.depends_on)
                wanted.insert(needed.app);
        }
    }
    std::erase_if(apps, [&](const App& app) { return !wanted.contains(app.name); });
    return apps;
}

Result<UpPlan> plan_up(const UpOptions& options) {
    std::string path = options.file;
    if (path.empty()) path = find_up_file(std::filesystem::current_path().string());
    if (path.empty()) {
        auto made = make_demo_config(options.home);
        if (!made) return std::unexpected(made.error());
        path = std::move(*made);
    }
    path = std::filesystem::absolute(path).string();
    if (::access(path.c_str(), F_OK) != 0) {
        return fail(Errc::not_found, "there is no file " + path);
    }
    auto plan = is_config(path) ? plan_roles(options, path) : plan_file(options, path);
    if (!plan) return plan;
    auto chosen = choose_apps(std::move(plan->apps), options.only);
    if (!chosen) return std::unexpected(chosen.error());
    plan->apps = std::move(*chosen);
    if (plan->apps.empty()) return fail(Errc::invalid_argument, path + " has no apps");
    tell_home(plan->apps, options.home);
    return plan;
}

}  // namespace tranter::cli
