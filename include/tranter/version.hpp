#pragma once

#include <string_view>

namespace tranter {

/// The one place that holds the version; CMake, the packages and `tranter --version` read it here.
inline constexpr std::string_view version = "0.1.0";

}  // namespace tranter
