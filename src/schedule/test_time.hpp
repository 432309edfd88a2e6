#pragma once

#include "schedule/zone_time.hpp"

#include <fmt/format.h>

#include <chrono>
#include <sstream>
#include <string>
#include <string_view>

namespace tranter::schedule::test {

/// Reads "2026-03-14T15:09:26Z"; a fraction of a second is cut off.
inline UtcSeconds utc_floor(std::string_view text) {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    char mark = 0;
    std::istringstream in{std::string(text)};
    in >> year >> mark >> month >> mark >> day >> mark >> hour >> mark >> minute >> mark >> second;
    const std::chrono::year_month_day date{
        std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
    return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           std::chrono::seconds(second);
}

inline std::string utc_text(UtcSeconds when) {
    const auto midnight = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss time(when - midnight);
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()),
        time.hours().count(),
        time.minutes().count(),
        time.seconds().count()
    );
}

}  // namespace tranter::schedule::test
