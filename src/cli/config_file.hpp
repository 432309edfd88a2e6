#pragma once

#include "cli/server_config.hpp"

#include <functional>
#include <string>
#include <vector>

namespace tranter::cli {

/// Looks up an environment variable; nullptr when it is unset.
using Environment = std::function<const char*(const std::string&)>;

/// The environment of this process.
Environment process_environment();

struct LoadedConfig {
    ServerConfig config;
    /// What the reader accepted although it has no effect here; each is worth one line to the user.
    std::vector<std::string> notices;
};

/// Reads `path` by its extension: `.conf`, `.hocon` and `.json` as elasticmq.conf, anything else as
/// tranter.toml. Every error is one line `file:line: key: what, what would be right` and means that
/// the caller should exit with status 2. Does not look at TRANTER_* variables.
[[nodiscard]] Result<LoadedConfig> load_config(const std::string& path, const Environment& env);

/// The same for a file that is elasticmq.conf whatever its name.
[[nodiscard]] Result<LoadedConfig> load_elasticmq_config(
    const std::string& path, const Environment& env
);

/// Lets TRANTER_* variables win over the file: TRANTER_SERVER_SQS sets server.sqs and so on
/// (docs/configuration.md lists them). A misspelt variable of a known section is an error.
[[nodiscard]] Result<void> apply_environment(
    ServerConfig& config,
    const std::vector<std::string>& environment  ///< "NAME=value" as in environ
);

/// environ as a vector.
std::vector<std::string> environment_variables();

class Arguments;
/// What the file of --config says, when one is named, and the TRANTER_* variables after it.
[[nodiscard]] Result<ServerConfig> load_named_config(const Arguments& arguments);

}  // namespace tranter::cli
