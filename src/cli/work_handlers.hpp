#pragma once

#include "cli/config_file.hpp"
#include "cli/server_config.hpp"

#include <tranter/registry.hpp>

namespace tranter::cli {

/// The handlers of a configuration, whose values were checked when it was read. `concurrency` is
/// that of the worker. Throws Exception for what could not be checked before.
[[nodiscard]] Registry make_registry(
    const ServerConfig& config, unsigned concurrency, const Environment& env
);

}  // namespace tranter::cli
