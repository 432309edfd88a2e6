#pragma once

#include "schedule/cron_fields.hpp"
#include "schedule/interval.hpp"

#include <tranter/schedule.hpp>

#include <string>
#include <string_view>

/// Schedules as people say them, in English.
namespace tranter::schedule {

/// "every weekday at 09:00, New York time".
std::string cron_in_words(const CronFields& fields, std::string_view zone);
/// "every 30 minutes between 09:00 and 17:00, Berlin time".
std::string interval_in_words(
    const Interval& interval, std::string_view zone, IntervalAnchor anchor = IntervalAnchor::epoch
);

}  // namespace tranter::schedule
