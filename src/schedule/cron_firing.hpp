#pragma once

#include "schedule/cron_expression.hpp"
#include "schedule/time_zone.hpp"

#include <tranter/schedule.hpp>

#include <optional>

namespace tranter::schedule {

struct DstRules {
    DstGap gap = DstGap::run_after;
    DstOverlap overlap = DstOverlap::first;

    bool operator==(const DstRules&) const = default;
};

/// When an expression fires in a zone. The rules are for expressions that name times of the day
/// (CronFields::fixed_time). Others mean every so often and go by real time: nothing fires in a
/// gap, and both passes of an overlap fire, so hourly stays hourly.
/// Nothing but a function of its arguments, exact to the second, and never without an end: nothing
/// fires before 1970 or after 2199.
std::optional<UtcSeconds> next_firing(
    const CronExpression& cron, const TimeZone& zone, const DstRules& rules, UtcSeconds after
);
/// The last one before `before`.
std::optional<UtcSeconds> previous_firing(
    const CronExpression& cron, const TimeZone& zone, const DstRules& rules, UtcSeconds before
);

}  // namespace tranter::schedule
