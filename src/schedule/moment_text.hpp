#pragma once

#include "schedule/interval.hpp"
#include "schedule/time_zone.hpp"

#include <string>

namespace tranter::schedule {

/// "2026-03-08T07:00:00Z"
std::string utc_text(UtcMillis when);
/// What clocks of the zone show, with their offset: "2026-03-08T03:00:00-04:00".
std::string local_text(UtcMillis when, const TimeZone& zone);

}  // namespace tranter::schedule
