#pragma once

#include "cli/server_config.hpp"
#include "http/server.hpp"

namespace tranter::cli {

/// Of a port of `tranter serve`.
http::ServerOptions http_options(const ServerConfig& config, const Endpoint& endpoint);

/// Connections, and files to come, are what the soft limit is too low for.
void raise_file_limit();

}  // namespace tranter::cli
