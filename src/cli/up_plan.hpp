#pragma once

#include "base/error.hpp"
#include "cli/server_config.hpp"
#include "control/client.hpp"
#include "supervise/app.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tranter::cli {

struct UpOptions {
    control::Home home{};
    /// Of whoever asks, "NAME=value" each.
    std::vector<std::string> environment{};
    /// Empty: what there is in the current directory.
    std::string file{};
    /// --env: of ecosystem files.
    std::string environment_name{};
    /// Names of apps; empty: all. What they depend on comes with them.
    std::vector<std::string> only{};
};

/// What `tranter up` is to run.
struct UpPlan {
    std::vector<supervise::App> apps{};
    std::string file{};
    /// One line each for people.
    std::vector<std::string> remarks{};
    /// That of the roles, if there are some.
    std::optional<ServerConfig> config{};
};

/// Reads the file, or makes one where there is none. `invalid_argument` names what is wrong with
/// it, `not_found` a file or an app that is not there.
[[nodiscard]] Result<UpPlan> plan_up(const UpOptions& options);

/// The file that `tranter up` takes in a directory: tranter.toml, an ecosystem file, a Procfile.
/// Empty: there is none.
std::string find_up_file(const std::string& directory);

/// Those that are named, and what they depend on. `not_found` names one that is not there.
[[nodiscard]] Result<std::vector<supervise::App>> choose_apps(
    std::vector<supervise::App> apps, const std::vector<std::string>& names
);

}  // namespace tranter::cli
