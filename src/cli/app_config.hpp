#pragma once

#include "base/error.hpp"
#include "supervise/app.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

struct ServerConfig;

/// A table [apps.NAME]. Exactly one of `command` and `role` is set. Paths are as they were written.
/// Logs without a path have a place by default, "/dev/null" is none (appfile::complete).
struct AppConfig : supervise::App {
    /// "serve", "work", "schedule" or "timers": this program, with the file that names it.
    std::string role{};

    bool operator==(const AppConfig&) const = default;
};

/// Apps may depend on these without a table for them: `tranter up` adds what is needed (up_roles).
inline constexpr std::array<std::string_view, 4> implied_roles{
    "server", "worker", "scheduler", "timers"};

/// What apps get from whoever starts them.
struct AppSources {
    /// Of tranter.toml, absolute: what roles are started with, and what relative directories are
    /// relative to. Empty: there is none, and roles have their defaults.
    std::string config_path{};
    std::string program{};                   // the path of this binary
    std::vector<std::string> environment{};  // "NAME=value" each
    std::string logs_directory{};
};

/// The apps of tranter.toml as they are run: environments complete, paths absolute. What was wrong
/// with them was said when the file was read, except that apps depend on what is not there.
[[nodiscard]] Result<std::vector<supervise::App>> apps_of(
    const ServerConfig& config, const AppSources& sources
);

/// The same apps as [apps.NAME] tables, whose paths are relative to `directory` where they are
/// below it. For apps that appfile::complete() was not applied to.
std::string write_apps(std::vector<supervise::App> apps, const std::string& directory);

}  // namespace tranter::cli
