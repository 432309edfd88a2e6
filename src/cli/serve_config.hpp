#pragma once

#include "base/error.hpp"
#include "cli/config_file.hpp"
#include "cli/serve_flags.hpp"

namespace tranter::cli {

/// What `tranter serve` runs with: the file, over it TRANTER_* variables, over them the flags; then
/// checked for being reachable without authentication and for promising more than it can keep.
/// Every error is for exit status 2.
[[nodiscard]] Result<LoadedConfig> load_serve_config(const ServeFlags& flags);

}  // namespace tranter::cli
