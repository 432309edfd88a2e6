#pragma once

#include "cli/args.hpp"

#include <string>
#include <string_view>

namespace tranter::cli {

/// tranter completion bash | zsh | fish
Command completion_command();

/// The script that makes `shell` (bash, zsh or fish) complete the commands, options and fixed
/// values of the tree. It is generated, so it cannot fall behind --help.
std::string completion_script(const Command& root, std::string_view shell);

}  // namespace tranter::cli
