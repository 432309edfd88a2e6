#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

// What is done to the apps of `tranter up`, one command each.

Command start_command();
Command stop_command();
Command restart_command();
Command reload_command();
Command scale_command();
Command delete_command();
Command signal_command();
Command reset_command();
Command flush_command();
Command reload_logs_command();
Command save_command();
Command resurrect_command();

/// --timeout of commands that wait, and what it says.
Option wait_limit_option();
[[nodiscard]] Result<Duration> wait_limit(const Arguments& arguments);

/// The positional of those that take any number of apps.
Positional targets_positional();

}  // namespace tranter::cli
