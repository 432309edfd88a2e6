#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// tranter queue list | create | show | set | delete | purge
Command queue_command();

}  // namespace tranter::cli
