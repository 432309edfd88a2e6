#pragma once

#include "cli/server_config.hpp"

#include <string>
#include <vector>

namespace tranter::cli {

/// Has the log and the health endpoints hide (base/secrets.hpp) every secret that this process was
/// given: variables of the environment ("NAME=VALUE") whose name says so, and tokens, keys, webhook
/// secrets, headers and variables of handlers in the configuration.
void hide_secrets(const ServerConfig& config, const std::vector<std::string>& environment);

}  // namespace tranter::cli
