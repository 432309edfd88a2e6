#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// tranter job enqueue | show | list | wait | logs | cancel | retry | promote
Command job_command();

}  // namespace tranter::cli
