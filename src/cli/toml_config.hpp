#pragma once

#include "cli/config_file.hpp"
#include "cli/config_node.hpp"
#include "cli/server_config.hpp"

#include <string>
#include <string_view>

namespace tranter::cli {

/// What is known about a configuration's text besides the text.
struct ConfigSource {
    std::string name = "tranter.toml";  ///< for error texts
    /// Other users may read the file, so secrets must not stand in it.
    bool readable_by_others = false;
};

/// Reads tranter.toml (docs/configuration.md). The queues come out in the order of order_queues.
/// Errors are `name:line: key: what, what would be right`, one line, and never show a secret.
[[nodiscard]] Result<ServerConfig> parse_toml_config(
    std::string_view text, const ConfigSource& source, const Environment& env
);

/// The TOML that reads back as the same configuration: what differs from the defaults, and what was
/// written for a queue.
/// Contains the secrets in plain text.
std::string write_toml_config(const ServerConfig& config);

/// The syntax alone: TOML text as a tree.
[[nodiscard]] Result<ConfigNode> parse_toml(std::string_view text, const std::string& name);

/// What the tree means: the tables of config_keys.hpp, then the rules of config_rules.hpp.
[[nodiscard]] Result<ServerConfig> read_toml_tree(
    const ConfigNode& root, const ConfigSource& source, const Environment& env
);

}  // namespace tranter::cli
