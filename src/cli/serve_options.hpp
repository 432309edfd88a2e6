#pragma once

#include "cli/args.hpp"
#include "cli/serve_flags.hpp"

namespace tranter::cli {

std::vector<Option> serve_options();

/// Checks the syntax of everything that was given. An address that cannot be read is
/// `invalid_argument`.
[[nodiscard]] Result<ServeFlags> read_serve_flags(const Arguments& arguments);

}  // namespace tranter::cli
