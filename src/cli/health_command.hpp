#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// tranter health
Command health_command();

}  // namespace tranter::cli
