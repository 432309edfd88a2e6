#pragma once

#include "base/error.hpp"
#include "base/time.hpp"

#include <string>
#include <string_view>

namespace tranter {

/// Reads one number and one unit: "30s", "1500ms", "2 minutes", "0.5h". The number may have a
/// fraction of up to six digits if the result is a whole number of microseconds. Units: us, ms, s,
/// m, h, d and their English names. A number without a unit, a sign and an overflow are
/// `invalid_argument`.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// The shortest exact form in one unit: "0s", "90s", "2m", "1500ms". parse_duration reads it back.
std::string format_duration(Duration duration);

}  // namespace tranter
