#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// Everything that `tranter` can do.
Command command_tree();

}  // namespace tranter::cli
