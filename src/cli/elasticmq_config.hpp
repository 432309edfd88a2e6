#pragma once

#include "cli/config_file.hpp"
#include "cli/hocon.hpp"

#include <string>
#include <string_view>

namespace tranter::cli {

/// Reads an unmodified elasticmq.conf. What ElasticMQ would fill in when a key is absent is filled
/// in here too, with two exceptions that keep a forgotten line from opening a port to the world:
/// without `bind-hostname` the server listens on loopback, and without `node-address` queue URLs
/// follow each request's Host. Keys that mean nothing here are listed in one notice.
/// Errors are `file:line:column: key: what, what would be right`.
[[nodiscard]] Result<LoadedConfig> parse_elasticmq_config(
    std::string_view text, const std::string& name, const HoconContext& context
);

}  // namespace tranter::cli
