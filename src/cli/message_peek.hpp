#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// tranter message peek
Command message_peek_command();

}  // namespace tranter::cli
