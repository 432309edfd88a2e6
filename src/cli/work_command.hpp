#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// `tranter work`.
Command work_command();

}  // namespace tranter::cli
