#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

Command logs_command();

}  // namespace tranter::cli
