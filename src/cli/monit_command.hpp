#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

Command monit_command();

}  // namespace tranter::cli
