#include "schedule/cron_expression.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>

/// Finding the next and the previous time of a wall clock, from the largest field to the smallest.
namespace tranter::schedule {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::January;
using std::chrono::local_days;
using std::chrono::minutes;
using std::chrono::months;
using std::chrono::seconds;
using std::chrono::year;
using std::chrono::year_month;
using std::chrono::year_month_day;

/// The lowest value in the set from `from` on; -1 when there is none.
int lowest_from(std::uint64_t set, int from) {
    if (from > 63) return -1;
    const std::uint64_t rest = set >> static_cast<unsigned>(from);
    return rest == 0 ? -1 : from + std::countr_zero(rest);
}

/// The highest value in the set up to `until`; -1 when there is none.
int highest_until(std::uint64_t set, int until) {
    if (until < 0) return -1;
    const std::uint64_t rest = set << static_cast<unsigned>(63 - until);
    return rest == 0 ? -1 : until - std::countl_zero(rest);
}

struct TimeOfDay {
    int hour = 0;
    int minute = 0;
    int second = 0;

    static TimeOfDay of(seconds since_midnight) {
        const auto count = static_cast<int>(since_midnight.count());
        return {.hour = count / 3600, .minute = count / 60 % 60, .second = count % 60};
    }
    seconds since_midnight() const { return hours(hour) + minutes(minute) + seconds(second); }
};

std::optional<TimeOfDay> first_time(const CronFields& fields, TimeOfDay from) {
    for (int hour = lowest_from(fields.hours, from.hour); hour >= 0;
         hour = lowest_from(fields.hours, hour + 1)) {
        if (hour > from.hour) from.minute = from.second = 0;
        for (int minute = lowest_from(fields.minutes, from.minute); minute >= 0;
             minute = lowest_from(fields.minutes, minute + 1)) {
            if (minute > from.minute) from.second = 0;
            const int second = lowest_from(fields.seconds, from.second);
            if (second >= 0) return TimeOfDay{hour, minute, second};
        }
    }
    return std::nullopt;
}

std::optional<TimeOfDay> last_time(const CronFields& fields, TimeOfDay until) {
    for (int hour = highest_until(fields.hours, until.hour); hour >= 0;
         hour = highest_until(fields.hours, hour - 1)) {
        if (hour < until.hour) until.minute = until.second = 59;
        for (int minute = highest_until(fields.minutes, until.minute); minute >= 0;
             minute = highest_until(fields.minutes, minute - 1)) {
            if (minute < until.minute) until.second = 59;
            const int second = highest_until(fields.seconds, until.second);
            if (second >= 0) return TimeOfDay{hour, minute, second};
        }
    }
    return std::nullopt;
}

bool allows_month(const CronFields& fields, year_month month) {
    const int year = static_cast<int>(month.year());
    return fields.years[static_cast<std::size_t>(year - first_year)] &&
           (fields.months >> static_cast<unsigned>(month.month()) & 1U) != 0;
}

constexpr LocalSeconds begin_of_years = local_days(year(first_year) / January / 1);
constexpr LocalSeconds end_of_years = local_days(year(last_year + 1) / January / 1);

LocalSeconds at(year_month month, int day, TimeOfDay time) {
    return local_days(month / day) + time.since_midnight();
}

}  // namespace

std::optional<LocalSeconds> CronExpression::first_from(LocalSeconds from) const {
    if (from >= end_of_years) return std::nullopt;
    from = std::max(from, begin_of_years);
    const auto midnight = floor<days>(from);
    const year_month_day date(midnight);
    TimeOfDay time = TimeOfDay::of(from - midnight);
    auto day = static_cast<int>(static_cast<unsigned>(date.day()));
    for (year_month month = date.year() / date.month(); month.year() <= year(last_year);
         month += months(1), day = 1, time = {}) {
        if (!allows_month(fields_, month)) continue;
        const std::uint32_t allowed = days_of(fields_, month);
        for (int found = lowest_from(allowed, day); found >= 0;
             found = lowest_from(allowed, found + 1)) {
            if (found > day) time = {};
            if (const auto best = first_time(fields_, time)) return at(month, found, *best);
        }
    }
    return std::nullopt;
}

std::optional<LocalSeconds> CronExpression::last_until(LocalSeconds until) const {
    constexpr TimeOfDay evening{.hour = 23, .minute = 59, .second = 59};
    if (until < begin_of_years) return std::nullopt;
    until = std::min(until, end_of_years - seconds(1));
    const auto midnight = floor<days>(until);
    const year_month_day date(midnight);
    TimeOfDay time = TimeOfDay::of(until - midnight);
    auto day = static_cast<int>(static_cast<unsigned>(date.day()));
    for (year_month month = date.year() / date.month(); month.year() >= year(first_year);
         month -= months(1), day = 31, time = evening) {
        if (!allows_month(fields_, month)) continue;
        const std::uint32_t allowed = days_of(fields_, month);
        for (int found = highest_until(allowed, day); found >= 0;
             found = highest_until(allowed, found - 1)) {
            if (found < day) time = evening;
            if (const auto best = last_time(fields_, time)) return at(month, found, *best);
        }
    }
    return std::nullopt;
}

}  // namespace tranter::schedule
