#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// `tranter forward`: from one store of jobs to another.
Command forward_command();

}  // namespace tranter::cli
