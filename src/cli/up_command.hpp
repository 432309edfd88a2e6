#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// `tranter up` and `tranter down`.
Command up_command();
Command down_command();

}  // namespace tranter::cli
