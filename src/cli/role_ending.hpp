#pragma once

#include "base/time.hpp"
#include "cli/server_config.hpp"
#include "supervise/app.hpp"

#include <string_view>

/// How the roles of the platform end, and how a supervisor notices that one is stuck.
namespace tranter::cli {

/// How long a worker waits for its handlers once they were told to stop: longer than their programs
/// may live, so that nobody else gets a job while one of them still does it.
Duration handlers_stop_grace(const ServerConfig& config);

/// What a role ("serve", "work", "schedule", "timers") may take to end after SIGTERM, and more.
Duration ending_limit(std::string_view role, const ServerConfig& config);

/// Whether a server is stuck, which it says itself. Of no kind where nothing listens that could be
/// asked.
supervise::Probe server_liveness(const ServerConfig& config);

}  // namespace tranter::cli
