#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// `tranter ps`, `describe` and `env`.
Command ps_command();
Command describe_command();
Command app_env_command();

}  // namespace tranter::cli
