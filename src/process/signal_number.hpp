#pragma once

#include "base/error.hpp"

#include <string_view>

namespace tranter::process {

/// "SIGUSR2", "usr2" or "12". `invalid_argument` when there is no such signal.
[[nodiscard]] Result<int> signal_number(std::string_view text);

}  // namespace tranter::process
