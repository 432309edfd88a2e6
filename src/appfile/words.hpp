#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tranter::appfile {

/// A text of arguments as PM2 divides it: at blanks, except between "..." and '...', which go away.
std::vector<std::string> split_words(std::string_view text);

/// Whether the text means more to a shell than words: variables, pipes, redirections and the like.
bool needs_shell(std::string_view text);

}  // namespace tranter::appfile
