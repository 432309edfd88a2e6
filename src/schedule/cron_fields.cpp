#include "schedule/cron_fields.hpp"

#include <bit>

namespace tranter::schedule {
namespace {

constexpr std::uint32_t bit(unsigned number) {
    return std::uint32_t{1} << number;
}

/// What the functions below ask about one month.
struct Month {
    unsigned first_weekday;  // of day 1; 0 is Sunday
    unsigned last_day;

    unsigned weekday(unsigned day) const { return (first_weekday + day - 1) % 7; }
};

/// The working day nearest to a day of the month, inside the month.
unsigned nearest_working_day(const Month& month, unsigned day) {
    switch (month.weekday(day)) {
        case 6:
            return day > 1 ? day - 1 : day + 2;  // Saturday
        case 0:
            return day < month.last_day ? day + 1 : day - 2;  // Sunday
        default:
            return day;
    }
}

unsigned last_working_day(const Month& month) {
    return nearest_working_day(month, month.last_day);
}

std::uint32_t days_by_number(const CronFields& fields, const Month& month) {
    std::uint32_t days = fields.days;
    for (std::uint32_t rest = fields.days_before_last; rest != 0; rest &= rest - 1) {
        const auto before = static_cast<unsigned>(std::countr_zero(rest));
        if (before < month.last_day) days |= bit(month.last_day - before);
    }
    for (std::uint32_t rest = fields.nearest_working; rest != 0; rest &= rest - 1) {
        const auto day = static_cast<unsigned>(std::countr_zero(rest));
        if (day <= month.last_day) days |= bit(nearest_working_day(month, day));
    }
    if (fields.last_working_day) days |= bit(last_working_day(month));
    return days;
}

std::uint32_t days_by_weekday(const CronFields& fields, const Month& month) {
    std::uint32_t days = 0;
    for (unsigned day = 1; day <= month.last_day; ++day) {
        const unsigned weekday = month.weekday(day);
        const unsigned wanted = fields.occurrences[weekday];
        const bool nth = (wanted >> ((day + 6) / 7) & 1U) != 0;
        const bool last = (wanted & 1U) != 0 && day + 7 > month.last_day;
        if ((fields.weekdays >> weekday & 1U) != 0 || nth || last) days |= bit(day);
    }
    return days;
}

}  // namespace

std::uint32_t days_of(const CronFields& fields, std::chrono::year_month month) {
    const Month shape{
        .first_weekday = std::chrono::weekday(std::chrono::sys_days(month / 1)).c_encoding(),
        .last_day =
            static_cast<unsigned>(std::chrono::year_month_day_last(month / std::chrono::last).day()
            )};
    const std::uint32_t all = (bit(shape.last_day) - 1U) << 1U;
    if (fields.any_day && fields.any_weekday) return all;
    if (fields.any_weekday) return days_by_number(fields, shape) & all;
    if (fields.any_day) return days_by_weekday(fields, shape);
    const std::uint32_t by_number = days_by_number(fields, shape) & all;
    const std::uint32_t by_weekday = days_by_weekday(fields, shape);
    return fields.both_days ? by_number & by_weekday : by_number | by_weekday;
}

}  // namespace tranter::schedule
