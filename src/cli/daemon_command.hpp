#pragma once

#include "cli/args.hpp"
#include "cli/health_server.hpp"

#include <optional>

namespace tranter::cli {

/// `tranter daemon`.
Command daemon_command();

/// --listen of the daemon.
Option listen_option();
/// `otherwise`: without it.
[[nodiscard]] Result<HealthServerOptions> read_listen(
    const Arguments& arguments, const std::optional<Endpoint>& otherwise = std::nullopt
);

}  // namespace tranter::cli
