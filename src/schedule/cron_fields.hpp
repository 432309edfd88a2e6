#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>

namespace tranter::schedule {

inline constexpr int first_year = 1970;
inline constexpr int last_year = 2199;

/// What a cron expression allows, as sets. Bit n is the value n.
struct CronFields {
    std::uint64_t seconds = 0;
    std::uint64_t minutes = 0;
    std::uint32_t hours = 0;
    std::uint32_t days = 0;  // of the month, from bit 1
    std::uint32_t months = 0;
    std::uint32_t weekdays = 0;                       // bit 0 is Sunday
    std::bitset<last_year - first_year + 1> years{};  // bit 0 is 1970

    // Days that depend on the month:
    std::uint32_t days_before_last = 0;  // L-n: bit n; L: bit 0
    bool last_working_day = false;       // LW
    std::uint32_t nearest_working = 0;   // nW: bit n
    /// D#k and D#L: for each day of the week the occurrences, bit 1 to 5, bit 0 for the last.
    std::uint8_t occurrences[7] = {};

    bool any_day = true;      // the field is exactly * or ?
    bool any_weekday = true;  // likewise
    bool both_days = false;   // +DOW: day of the month and of the week have to agree

    /// None of second, minute and hour has a `*`, `/` or `?`: runs at times of the day, not every
    /// so often.
    bool fixed_time = false;

    bool operator==(const CronFields&) const = default;
};

/// The days of that month, from bit 1.
std::uint32_t days_of(const CronFields& fields, std::chrono::year_month month);

}  // namespace tranter::schedule
