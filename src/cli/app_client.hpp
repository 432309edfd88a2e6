#pragma once

#include "base/error.hpp"
#include "control/client.hpp"

namespace tranter::cli {

/// A connection to the daemon of our home; `unavailable` says how to start one.
[[nodiscard]] Result<control::Client> connect_to_apps();

}  // namespace tranter::cli
