#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "control/client.hpp"
#include "supervise/app.hpp"

#include <string>
#include <vector>

namespace tranter::cli {

struct ApplyOptions {
    std::string file{};  // where the apps come from
    /// Return when all are ready or have failed, at most after `limit`.
    bool waits = true;
    Duration limit{};
};

/// Makes the daemon run these: starts what is new or does not run, restarts what has changed, and
/// leaves the rest and its environment alone. `internal` or `timed_out` say what is not ready.
[[nodiscard]] Result<> apply_apps(
    control::Client& client, const std::vector<supervise::App>& apps, const ApplyOptions& options
);

/// Whether the definitions mean the same. Variables that only tell of a terminal, a shell or a
/// login are left aside: whoever comes back later has others.
bool means_the_same(const supervise::App& one, const supervise::App& other);

}  // namespace tranter::cli
