#pragma once

#include "cli/args.hpp"
#include "cli/health_server.hpp"

namespace tranter::cli {

/// `tranter daemon`.
Command daemon_command();

/// --listen of the daemon.
Option listen_option();
[[nodiscard]] Result<HealthServerOptions> read_listen(const Arguments& arguments);

}  // namespace tranter::cli
