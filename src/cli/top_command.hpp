#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

Command top_command();

}  // namespace tranter::cli
