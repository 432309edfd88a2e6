#pragma once

#include "base/error.hpp"

#include <tranter/payload_writer.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// Durations and times between a count of some unit and text. A unit is a whole number of seconds
/// or 1/10^k of one, down to nanoseconds (or another divisor of 10^9).
namespace tranter::jobs {

/// What format_duration() makes of it: "90s".
Result<std::string> duration_text(std::int64_t count, TimeUnit unit);
Result<std::int64_t> parse_duration_count(std::string_view text, TimeUnit unit);

/// RFC 3339 in UTC with as many of 0, 3, 6 or 9 digits after the second as it takes.
Result<std::string> time_text(std::int64_t count, TimeUnit unit);
/// The count since 1970. Reads any offset, `t` and `z`, and up to nine digits after the second, but
/// no leap second: those of UTC cannot be told from the seconds before them.
Result<std::int64_t> parse_time_count(std::string_view text, TimeUnit unit);

}  // namespace tranter::jobs
