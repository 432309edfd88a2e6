#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// tranter message peek
Command message_peek_command();
/// tranter dlq peek: the same for the queue where failed messages are.
Command dlq_peek_command();

}  // namespace tranter::cli
