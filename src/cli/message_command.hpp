#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// tranter message send | receive | peek | delete
Command message_command();

}  // namespace tranter::cli
