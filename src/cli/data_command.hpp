#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// `tranter data verify|dump|stat|compact|backup|repair`.
Command data_command();

}  // namespace tranter::cli
