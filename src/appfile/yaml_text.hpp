#pragma once

#include "appfile/value.hpp"
#include "base/error.hpp"

#include <string_view>

namespace tranter::appfile {

/// YAML as PM2 reads it: one document, the core schema of YAML 1.2 (so `yes` is text), aliases and
/// merge keys. What aliases make of it is bounded, and so is its depth; a key that stands twice is
/// an error. `invalid_argument` is "LINE:COLUMN: what".
[[nodiscard]] Result<Value> parse_yaml(std::string_view text);

}  // namespace tranter::appfile
