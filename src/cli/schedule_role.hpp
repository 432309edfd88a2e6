#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// What `tranter schedule` does when no verb follows.
Result<int> run_schedule_role(const Arguments& arguments);
std::vector<Option> schedule_role_options();

/// `tranter timers`
Command timers_command();

}  // namespace tranter::cli
