#include "schedule/words.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace tranter::schedule {
namespace {

constexpr std::array<std::string_view, 7> weekday_words{
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 13> month_words{
    "",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December"};
constexpr std::array<std::string_view, 6> ordinal_words{
    "last", "first", "second", "third", "fourth", "fifth"};

constexpr std::uint64_t minutes_all = (std::uint64_t{1} << 60U) - 1;
constexpr std::uint32_t hours_all = (std::uint32_t{1} << 24U) - 1;
constexpr std::uint32_t months_all = 0b1'1111'1111'1110;
constexpr std::uint32_t working_days = 0b011'1110;
constexpr std::uint32_t weekend_days = 0b100'0001;
constexpr int times_shown_max = 6;

std::vector<int> values_of(std::uint64_t set) {
    std::vector<int> out;
    for (; set != 0; set &= set - 1)
        out.push_back(std::countr_zero(set));
    return out;
}

/// "a, b and c".
std::string join(const std::vector<std::string>& parts) {
    std::string out;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) out += i + 1 == parts.size() ? " and " : ", ";
        out += parts[i];
    }
    return out;
}

/// "0, 15 and 30"; of what stands in a row "8 to 17".
std::string numbers(std::uint64_t set) {
    const auto values = values_of(set);
    const bool row =
        values.size() > 2 && values.back() - values.front() + 1 == static_cast<int>(values.size());
    if (row) return fmt::format("{} to {}", values.front(), values.back());
    std::vector<std::string> parts;
    for (const int value : values)
        parts.push_back(std::to_string(value));
    return join(parts);
}

/// The step when the set is 0, n, 2n, ... and n divides the size; else 0.
int even_step(std::uint64_t set, int size) {
    const auto values = values_of(set);
    if (values.size() < 2 || values.front() != 0) return 0;
    const int step = values[1];
    if (size % step != 0 || static_cast<int>(values.size()) != size / step) return 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] != static_cast<int>(i) * step) return 0;
    }
    return step;
}

/// "every minute", "every 15 minutes"; empty when the set is not that even.
std::string every(std::uint64_t set, int size, std::string_view unit) {
    const int step = even_step(set, size);
    if (step == 0) return {};
    return step == 1 ? fmt::format("every {}", unit) : fmt::format("every {} {}s", step, unit);
}

std::string clock_times(const CronFields& fields) {
    std::vector<std::string> out;
    for (const int hour : values_of(fields.hours)) {
        for (const int minute : values_of(fields.minutes)) {
            for (const int second : values_of(fields.seconds)) {
                out.push_back(
                    fields.seconds == 1 ? fmt::format("{:02}:{:02}", hour, minute)
                                        : fmt::format("{:02}:{:02}:{:02}", hour, minute, second)
                );
            }
        }
    }
    return "at " + join(out);
}

std::string plural(std::string_view unit, std::uint64_t set) {
    return fmt::format("{}{} {}", unit, std::has_single_bit(set) ? "" : "s", numbers(set));
}

/// The hours that something within an hour is limited to, in front of a blank.
std::string in_hours(const CronFields& fields) {
    if (fields.hours == hours_all) return {};
    if (const auto even = every(fields.hours, 24, "hour"); !even.empty()) return " of " + even;
    return " of " + plural("hour", fields.hours);
}

std::string seconds_suffix(const CronFields& fields) {
    return fields.seconds == 1 ? std::string() : " at " + plural("second", fields.seconds);
}

std::string time_words(const CronFields& fields) {
    const auto count =
        std::popcount(fields.hours) * std::popcount(fields.minutes) * std::popcount(fields.seconds);
    if (fields.fixed_time && count <= times_shown_max) return clock_times(fields);
    if (fields.minutes == minutes_all) {
        std::string base = every(fields.seconds, 60, "second");
        if (base.empty()) base = "every minute" + seconds_suffix(fields);
        return base + in_hours(fields);
    }
    if (const auto base = every(fields.minutes, 60, "minute"); !base.empty()) {
        return base + seconds_suffix(fields) + in_hours(fields);
    }
    if (fields.minutes == 1 && fields.seconds == 1) {
        const auto base = every(fields.hours, 24, "hour");
        if (!base.empty()) return base;
    }
    std::string out = "at " + plural("minute", fields.minutes) + seconds_suffix(fields);
    return out + (fields.hours == hours_all ? " of every hour" : in_hours(fields));
}

std::string number_days(const CronFields& fields) {
    std::vector<std::string> parts;
    if (fields.days != 0) parts.push_back(plural("day", fields.days));
    for (const int before : values_of(fields.days_before_last)) {
        parts.push_back(
            before == 0 ? "the last day" : fmt::format("the day {} before the last", before)
        );
    }
    for (const int day : values_of(fields.nearest_working)) {
        parts.push_back(fmt::format("the working day nearest to day {}", day));
    }
    if (fields.last_working_day) parts.emplace_back("the last working day");
    return join(parts) + " of the month";
}

std::vector<std::string> occurrences(const CronFields& fields) {
    std::vector<std::string> out;
    for (std::size_t day = 0; day < weekday_words.size(); ++day) {
        for (const int which : values_of(fields.occurrences[day])) {
            out.push_back(fmt::format(
                "the {} {}", ordinal_words[static_cast<std::size_t>(which)], weekday_words[day]
            ));
        }
    }
    return out;
}

std::string week_days(const CronFields& fields, std::string_view every_word) {
    std::vector<std::string> parts;
    if (fields.weekdays == working_days) {
        parts.push_back(fmt::format("{}weekday", every_word));
    } else if (fields.weekdays == weekend_days) {
        parts.push_back(fmt::format("{}day of the weekend", every_word));
    } else {
        std::string names;
        std::vector<std::string> days;
        for (const int day : values_of(fields.weekdays)) {
            days.emplace_back(weekday_words[static_cast<std::size_t>(day)]);
        }
        if (!days.empty()) parts.push_back(std::string(every_word) + join(days));
    }
    const auto nth = occurrences(fields);
    if (!nth.empty()) parts.push_back(join(nth) + " of the month");
    return join(parts);
}

/// Empty: every day.
std::string day_words(const CronFields& fields) {
    if (fields.any_day && fields.any_weekday) return {};
    if (fields.any_day) {
        const std::string days = week_days(fields, "every ");
        return days.starts_with("every") ? days : "on " + days;
    }
    if (fields.any_weekday) return "on " + number_days(fields);
    if (fields.both_days) {
        return "on " + number_days(fields) + " if it is " + week_days(fields, "a ");
    }
    return "on " + number_days(fields) + " and " + week_days(fields, "every ");
}

std::string month_words_of(const CronFields& fields) {
    if (fields.months == months_all) return {};
    std::vector<std::string> names;
    for (const int month : values_of(fields.months)) {
        names.emplace_back(month_words[static_cast<std::size_t>(month)]);
    }
    return " in " + join(names);
}

std::string year_words(const CronFields& fields) {
    if (fields.years.all()) return {};
    std::vector<std::string> names;
    for (std::size_t i = 0; i < fields.years.size() && names.size() <= times_shown_max; ++i) {
        if (fields.years[i]) names.push_back(std::to_string(first_year + static_cast<int>(i)));
    }
    if (names.size() > times_shown_max) return " in some years";
    return (fields.months == months_all ? " in " : " of ") + join(names);
}

std::string zone_words(std::string_view zone) {
    if (zone == "UTC") return ", UTC";
    std::string city(zone.substr(zone.rfind('/') + 1));
    for (char& c : city) {
        if (c == '_') c = ' ';
    }
    return ", " + city + " time";
}

std::string period_words(std::chrono::milliseconds period) {
    struct Unit {
        std::int64_t length;
        std::string_view name;
    };
    static constexpr std::array<Unit, 6> units{
        {{604'800'000, "week"},
         {86'400'000, "day"},
         {3'600'000, "hour"},
         {60'000, "minute"},
         {1'000, "second"},
         {1, "millisecond"}}};
    for (const Unit& unit : units) {
        if (period.count() % unit.length != 0) continue;
        const auto count = period.count() / unit.length;
        return count == 1 ? fmt::format("every {}", unit.name)
                          : fmt::format("every {} {}s", count, unit.name);
    }
    return {};
}

}  // namespace

std::string cron_in_words(const CronFields& fields, std::string_view zone) {
    const std::string days = day_words(fields);
    const std::string times = time_words(fields);
    const bool by_clock = times.starts_with("at ") && fields.hours != hours_all;
    std::string out = by_clock ? (days.empty() ? "every day" : days) + " " + times : times;
    if (!by_clock && !days.empty()) out += ", " + days;
    return out + month_words_of(fields) + year_words(fields) + zone_words(zone);
}

std::string interval_in_words(
    const Interval& interval, std::string_view zone, IntervalAnchor anchor
) {
    std::string out = period_words(interval.period());
    if (anchor == IntervalAnchor::after_completion) out += " after the job before has ended,";
    if (anchor == IntervalAnchor::registration) out += " from its registration on,";
    if (const auto& window = interval.between()) {
        out += fmt::format(
            " between {:02}:{:02} and {:02}:{:02}",
            window->begin.count() / 60,
            window->begin.count() % 60,
            window->end.count() / 60,
            window->end.count() % 60
        );
        out += zone_words(zone);
    }
    if (interval.starting()) out += " from its start on";
    if (out.ends_with(',')) out.pop_back();
    return out;
}

}  // namespace tranter::schedule
