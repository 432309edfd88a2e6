#include "cli/app_config.hpp"

#include "appfile/load.hpp"
#include "appfile/path_text.hpp"
#include "cli/config_write.hpp"
#include "cli/role_ending.hpp"
#include "cli/server_config.hpp"
#include "supervise/fleet.hpp"

#include <chrono>
#include <filesystem>
#include <string_view>
#include <utility>

namespace tranter::cli {
namespace {

constexpr std::string_view no_log = "/dev/null";
/// A large data directory is read before a server is ready.
constexpr Duration role_ready_limit = std::chrono::minutes(10);

/// Calls `change` with each path of an app that is relative to its directory.
template <class Change>
void for_each_path(supervise::App& app, const Change& change) {
    for (std::string* path :
         {&app.logs.output, &app.logs.errors, &app.logs.combined, &app.pid_file}) {
        if (!path->empty() && *path != no_log) *path = change(*path);
    }
    for (std::string& path : app.watched)
        path = change(path);
}

/// Of those that are no names and no regular expressions.
template <class Change>
void for_each_path_pattern(supervise::App& app, const Change& change) {
    for (std::string& pattern : app.unwatched) {
        if (!pattern.starts_with("re:") && pattern.contains('/')) pattern = change(pattern);
    }
}

std::string shortened(const std::string& path, const std::string& directory) {
    if (path == directory) return ".";
    const std::string start = directory.ends_with('/') ? directory : directory + "/";
    return path.starts_with(start) ? path.substr(start.size()) : path;
}

/// What the same role gets without a table, unless the table says otherwise.
void end_as_role(AppConfig& app, const ServerConfig& config) {
    if (app.stop.timeout == supervise::StopRule().timeout) {
        app.stop.timeout = ending_limit(app.role, config);
    }
    const bool is_asked = app.liveness != supervise::Probe{};
    if (app.role == "serve" && !is_asked) app.liveness = server_liveness(config);
}

void become_role(AppConfig& app, const ServerConfig& config, const AppSources& sources) {
    app.command = {sources.program, app.role};
    if (!sources.config_path.empty()) {
        app.command.insert(app.command.end(), {"--config", sources.config_path});
    }
    // Two servers cannot have the same ports and the same data, so a reload restarts it.
    if (app.role == "serve") app.reloads_at_once = 0;
    end_as_role(app, config);
    // A role is wanted for good: what it fails for may be over in an hour.
    if (app.restart == supervise::RestartRule{}) app.restart.max = 0;
    if (app.readiness != supervise::Readiness{}) return;
    app.readiness = {.probe = {.kind = supervise::Probe::Kind::notify}, .limit = role_ready_limit};
}

}  // namespace

Result<std::vector<supervise::App>> apps_of(const ServerConfig& config, const AppSources& sources) {
    std::error_code error;
    const std::string directory = sources.config_path.empty()
                                      ? std::filesystem::current_path(error).string()
                                      : appfile::directory_of(sources.config_path);
    std::vector<supervise::App> apps;
    for (AppConfig app : config.apps) {
        if (!app.role.empty()) become_role(app, config, sources);
        app.directory = appfile::resolve_path(directory, app.directory);
        const auto lengthened = [&](const std::string& path) {
            return appfile::resolve_path(app.directory, path);
        };
        for_each_path(app, lengthened);
        for_each_path_pattern(app, lengthened);
        appfile::complete(app, sources.environment, sources.logs_directory);
        apps.push_back(std::move(app));
    }
    if (const auto checked = supervise::check_dependencies(apps); !checked) {
        return std::unexpected(checked.error());
    }
    return apps;
}

std::string write_apps(std::vector<supervise::App> apps, const std::string& directory) {
    std::string out;
    for (supervise::App& app : apps) {
        for_each_path(app, [&](const std::string& path) { return shortened(path, app.directory); });
        for_each_path_pattern(app, [&](const std::string& pattern) {
            // Without a slash it would be a name.
            const std::string rest = shortened(pattern, app.directory);
            return rest.starts_with('/') ? rest : "./" + rest;
        });
        app.directory = shortened(app.directory, directory);
        if (app.directory == ".") app.directory.clear();
        AppConfig config;
        static_cast<supervise::App&>(config) = std::move(app);
        write_app(out, config);
    }
    return out;
}

}  // namespace tranter::cli
