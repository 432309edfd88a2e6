#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// `tranter schedule`
Command schedule_command();

}  // namespace tranter::cli
