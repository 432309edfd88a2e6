#pragma once

#include "base/error.hpp"
#include "cli/server_config.hpp"
#include "control/client.hpp"
#include "supervise/app.hpp"

#include <string>
#include <vector>

/// The roles of the platform as apps of `tranter up`: server, worker, scheduler, timers.
namespace tranter::cli {

/// Those that a configuration has work for: the server unless the jobs are elsewhere, the worker if
/// there are handlers, scheduler and timers always. `path` is that of its file, which they read
/// again, `environment` what they inherit.
std::vector<supervise::App> role_apps(
    const ServerConfig& config,
    const std::string& path,
    const control::Home& home,
    const std::vector<std::string>& environment
);

/// The URL under which this machine reaches what listens there.
std::string local_url(const Endpoint& endpoint);

/// `conflict` names an address of the server that another program has.
[[nodiscard]] Result<> check_server_ports(const ServerConfig& config);

/// Makes the file for those who have none, unless it is there: a schedule, and a handler that does
/// its jobs. Returns its path.
[[nodiscard]] Result<std::string> make_demo_config(const control::Home& home);

}  // namespace tranter::cli
