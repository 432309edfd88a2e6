#include "schedule/cron_firing.hpp"

#include <algorithm>
#include <chrono>

namespace tranter::schedule {
namespace {

using std::chrono::seconds;

/// No zone is farther from another, so a wall clock is never farther from UTC.
constexpr seconds offsets_differ_max = std::chrono::hours(52);
constexpr seconds second(1);

/// One period of a zone, with what its neighbours make of its ends.
struct Stretch {
    ZonePeriod period;
    LocalSeconds gap_begin{};  // before it the clock jumped from here ...
    LocalSeconds gap_end{};    // ... to here; equal when it did not
    // The local times that count as regular ones.
    LocalSeconds begin{};
    LocalSeconds end{};  // not part of it
};

/// Expressions that go by real time have neither rule.
DstRules effective(const CronExpression& cron, const DstRules& rules) {
    if (cron.fields().fixed_time) return rules;
    return {.gap = DstGap::skip, .overlap = DstOverlap::both};
}

Stretch stretch_at(const TimeZone& zone, const DstRules& rules, UtcSeconds when) {
    const ZonePeriod period = zone.period_at(when);
    Stretch out{.period = period};
    out.begin = period.to_local(period.begin);
    out.end = period.to_local(period.end);
    out.gap_begin = out.gap_end = out.begin;
    if (period.begin > beginning_of_time) {
        const LocalSeconds left = zone.period_at(period.begin - second).to_local(period.begin);
        out.gap_begin = std::min(left, out.begin);
        if (rules.overlap == DstOverlap::first) out.begin = std::max(left, out.begin);
    }
    if (period.end < end_of_time && rules.overlap == DstOverlap::last) {
        const LocalSeconds entered = zone.period_at(period.end).to_local(period.end);
        out.end = std::min(entered, out.end);
    }
    return out;
}

/// When the times that this stretch's beginning jumped over fire, from `from` on.
std::optional<UtcSeconds> first_of_gap(
    const CronExpression& cron, const DstRules& rules, const Stretch& stretch, UtcSeconds from
) {
    if (rules.gap == DstGap::skip || stretch.gap_begin == stretch.gap_end) return std::nullopt;
    LocalSeconds begin = stretch.gap_begin;
    if (rules.gap == DstGap::shift) {
        begin += std::max(from - stretch.period.begin, seconds(0));
    } else if (from > stretch.period.begin) {
        return std::nullopt;
    }
    const auto found = cron.first_from(begin);
    if (!found || *found >= stretch.gap_end) return std::nullopt;
    if (rules.gap == DstGap::run_after) return stretch.period.begin;
    return stretch.period.begin + (*found - stretch.gap_begin);
}

/// The same, backwards.
std::optional<UtcSeconds> last_of_gap(
    const CronExpression& cron, const DstRules& rules, const Stretch& stretch, UtcSeconds until
) {
    if (rules.gap == DstGap::skip || stretch.gap_begin == stretch.gap_end) return std::nullopt;
    if (until < stretch.period.begin) return std::nullopt;
    LocalSeconds end = stretch.gap_end - second;
    if (rules.gap == DstGap::shift) {
        end = std::min(end, stretch.gap_begin + (until - stretch.period.begin));
    }
    const auto found = cron.last_until(end);
    if (!found || *found < stretch.gap_begin) return std::nullopt;
    if (rules.gap == DstGap::run_after) return stretch.period.begin;
    return stretch.period.begin + (*found - stretch.gap_begin);
}

}  // namespace

std::optional<UtcSeconds> next_firing(
    const CronExpression& cron, const TimeZone& zone, const DstRules& rules, UtcSeconds after
) {
    if (after >= end_of_time - second) return std::nullopt;
    const DstRules chosen = effective(cron, rules);
    UtcSeconds from = after + second;
    for (;;) {
        const Stretch stretch = stretch_at(zone, chosen, from);
        auto best = first_of_gap(cron, chosen, stretch, from);
        if (best && *best >= stretch.period.end) best.reset();
        const auto found = cron.first_from(std::max(stretch.period.to_local(from), stretch.begin));
        if (found && *found < stretch.end) {
            const UtcSeconds when = stretch.period.to_utc(*found);
            best = best ? std::min(*best, when) : when;
        }
        if (best) return best;
        if (!found || stretch.period.end >= end_of_time) return std::nullopt;
        // Nothing happens long before what was found, in whatever period that may be.
        const UtcSeconds far(found->time_since_epoch() - offsets_differ_max);
        from = std::max(stretch.period.end, far);
        // The gap at the beginning of a period counts from there only.
        from = std::max(stretch.period.end, zone.period_at(from).begin);
    }
}

std::optional<UtcSeconds> previous_firing(
    const CronExpression& cron, const TimeZone& zone, const DstRules& rules, UtcSeconds before
) {
    if (before <= beginning_of_time + second) return std::nullopt;
    const DstRules chosen = effective(cron, rules);
    UtcSeconds until = before - second;
    for (;;) {
        const Stretch stretch = stretch_at(zone, chosen, until);
        auto best = last_of_gap(cron, chosen, stretch, until);
        const auto found =
            cron.last_until(std::min(stretch.period.to_local(until), stretch.end - second));
        if (found && *found >= stretch.begin) {
            const UtcSeconds when = stretch.period.to_utc(*found);
            best = best ? std::max(*best, when) : when;
        }
        if (best) return best;
        if (!found || stretch.period.begin <= beginning_of_time) return std::nullopt;
        const UtcSeconds far(found->time_since_epoch() + offsets_differ_max);
        until = std::min(stretch.period.begin - second, far);
        until = std::min(stretch.period.begin - second, zone.period_at(until).end - second);
    }
}

}  // namespace tranter::schedule
