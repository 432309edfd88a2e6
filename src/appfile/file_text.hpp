#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <string>

namespace tranter::appfile {

/// The whole file, or pipe. `not_found` when there is none, `invalid_argument` when it is larger
/// than `bytes_max` or no UTF-8 text.
[[nodiscard]] Result<std::string> read_file_text(const std::string& path, std::size_t bytes_max);

}  // namespace tranter::appfile
