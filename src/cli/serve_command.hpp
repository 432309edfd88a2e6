#pragma once

#include "base/error.hpp"
#include "cli/serve_flags.hpp"

namespace tranter::cli {

/// `tranter serve`: the SQS API and the admin port over queues in memory or in a data directory,
/// until SIGTERM or SIGINT. The first signal answers what is under way, ends long polls with an
/// empty answer, commits what was changed and returns 0; a second one ends the process at once. A
/// port in use, a data directory that cannot be used or another broken environment throws
/// SystemError; a bad configuration is an error to be shown with exit status 2.
[[nodiscard]] Result<int> serve(const ServeFlags& flags);

}  // namespace tranter::cli
