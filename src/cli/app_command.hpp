#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// `tranter app ...`: files of apps.
Command app_command();

}  // namespace tranter::cli
