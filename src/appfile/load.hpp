#pragma once

#include "base/error.hpp"
#include "supervise/app.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Reads files that say which apps to run: PM2's ecosystem files in each of their forms, YAML,
/// JSON, Procfiles. (tranter.toml is read by `cli`, with the tables that this room gives it.)
namespace tranter::appfile {

struct LoadOptions {
    std::string path{};
    /// What its relative paths are relative to and where its code runs: for PM2 the current
    /// directory of whoever asks. Empty: that of the file.
    std::string directory{};
    /// --env NAME: `env_NAME` of each app is put over `env`.
    std::string environment_name{};
    /// Of whoever asks for it, "NAME=value" each: process.env of the file, and what apps inherit.
    std::vector<std::string> environment{};
    /// Where logs go that the file does not place.
    std::string logs_directory{};
    /// Where the supervisor keeps its files: PM2_HOME of apps whose file is one of PM2 and does not
    /// set it. Empty: nothing is set.
    std::string home{};
    /// {}: node when it is in PATH of `environment`. false: only the evaluator of our own.
    std::optional<bool> uses_node{};
    /// Only what the file itself says, to be written down: complete() is not applied, and a script
    /// that is not there is a remark instead of an error.
    bool converts = false;
    /// Procfiles: "web" runs twice with {"web", 2}; "all" stands for every name.
    std::vector<std::pair<std::string, std::uint32_t>> formation{};
};

/// Something that is not as the file says, or that the file says in vain.
struct Remark {
    std::string where{};  // "apps[0].max_restart", "line 3, column 4"
    std::string text{};   // "unknown key max_restart, the nearest is max_restarts"
};

struct Loaded {
    std::vector<supervise::App> apps{};
    std::vector<Remark> remarks{};
};

/// Whether the name is that of a file which load() reads.
bool is_app_file(const std::string& path);

/// 1 to 200 bytes that can be shown, and not "all", which means every app.
bool is_app_name(std::string_view name);

/// `invalid_argument` names file, place and what would be right; `not_found` when there is no file.
/// Environments of the apps are complete (what they inherit included). Directories and paths of
/// logs are absolute; a script in `command` may be relative to the app's directory. Takes up to 10
/// seconds where node is asked.
[[nodiscard]] Result<Loaded> load(const LoadOptions& options);

/// What an app gets from whoever starts it. Before this, log paths that are empty were not named,
/// and "/dev/null" is none at all; after it, an empty path is none. Environments get what they
/// inherit, unless a variable is there already. The same again changes nothing of the environment.
void complete(
    supervise::App& app,
    const std::vector<std::string>& environment,
    const std::string& logs_directory
);

}  // namespace tranter::appfile
