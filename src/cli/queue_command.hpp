#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// tranter queue list | create | show | set | delete | purge | pause | resume | limits
Command queue_command();

}  // namespace tranter::cli
