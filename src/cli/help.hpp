#pragma once

#include "cli/args.hpp"

#include <string>
#include <string_view>

namespace tranter::cli {

/// What `path --help` prints: usage, description, arguments, options and examples of one command.
std::string help_text(const Command& command, std::string_view path);

}  // namespace tranter::cli
