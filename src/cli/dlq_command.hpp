#pragma once

#include "cli/args.hpp"

namespace tranter::cli {

/// tranter dlq list | peek | show | replay | purge | export | redrive
Command dlq_command();

}  // namespace tranter::cli
