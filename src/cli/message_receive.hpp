#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// tranter message receive
Command message_receive_command();
/// tranter message delete
Command message_delete_command();

}  // namespace tranter::cli
