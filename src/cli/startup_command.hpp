#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// `tranter startup` and `tranter unstartup`.
Command startup_command();
Command unstartup_command();

}  // namespace tranter::cli
