#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// tranter message send
Command message_send_command();

}  // namespace tranter::cli
