#pragma once

#include "base/time.hpp"
#include "cli/fitted_table.hpp"
#include "cli/json.hpp"
#include "supervise/app.hpp"
#include "supervise/view.hpp"

#include <span>
#include <string>
#include <vector>

namespace tranter::cli {

/// What `tranter ps` shows: the heading, and a line for each instance.
std::vector<std::string> ps_lines(
    std::span<const supervise::InstanceView> instances, const TableRoom& room, Instant now
);
/// What it prints.
std::string ps_table(
    std::span<const supervise::InstanceView> instances, const TableRoom& room, Instant now
);

/// The instances as PM2's `jlist` has them, so that scripts need not be changed, with our state
/// beside them: an array of {name, pid, pm_id, monit, pm2_env, state, note, ...}. The variables of
/// an app are under pm2_env.env alone, and secrets are hidden.
Json jlist(
    std::span<const supervise::InstanceView> instances, std::span<const supervise::App> apps
);

}  // namespace tranter::cli
