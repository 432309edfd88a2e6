#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "cli/health_server.hpp"
#include "control/client.hpp"
#include "supervise/app.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tranter::cli {

struct DaemonOptions {
    control::Home home{};
    /// Held by whoever starts it, see lock_home().
    Descriptor lock{};
    /// Where health and metrics listen.
    HealthServerOptions health{};
    /// Told once clients are answered: a line is written to it, and it is closed.
    std::optional<int> ready_fd{};
    /// Started at once, and where they come from.
    std::vector<supervise::App> apps{};
    std::string file{};
    /// For people and containers: what apps print is printed, and it ends when no app runs and none
    /// will by itself.
    bool foreground = false;
    /// What apps may open, see Supervisor::Options. Set by run_daemon().
    std::uint64_t open_files = 0;
};

/// Runs until it is told to end by a client or a signal, and has stopped all apps. The exit status:
/// in the foreground 1 when an app was given up or could not be started. To be called before there
/// are threads, and after clear_leftovers(). Throws SystemError when something that it needs is not
/// to be had.
[[nodiscard]] Result<int> run_daemon(DaemonOptions options);

}  // namespace tranter::cli
