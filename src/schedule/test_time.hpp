#pragma once

#include "jobs/time_text.hpp"
#include "schedule/zone_time.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace tranter::schedule::test {

/// Reads "2026-03-14T15:09:26Z"; a fraction of a second is cut off.
inline UtcSeconds utc_floor(std::string_view text) {
    const std::chrono::milliseconds count(jobs::parse_time_count(text, {1, 1000}).value());
    return std::chrono::floor<std::chrono::seconds>(std::chrono::sys_time(count));
}

inline std::string utc_text(UtcSeconds when) {
    return jobs::time_text(when.time_since_epoch().count(), {1, 1}).value();
}

}  // namespace tranter::schedule::test
