#pragma once

#include "schedule/zone_directory.hpp"

#include <string>
#include <string_view>

namespace tranter::cli {

/// What `schedule preview --stdin` answers to one line, which is to be an object with `expr` and
/// maybe `tz`, `from`, `count`, `dst_gap` and `dst_overlap`: `{"fires":[...]}` in UTC, or
/// `{"error":"..."}`. Other members are ignored.
std::string preview_line(std::string_view line, schedule::ZoneDirectory& zones);

}  // namespace tranter::cli
