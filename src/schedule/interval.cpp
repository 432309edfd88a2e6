#include "schedule/interval.hpp"

#include "schedule/cron_fields.hpp"

#include <algorithm>
#include <cstdint>

namespace tranter::schedule {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::January;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year;

constexpr UtcMillis first_moment = sys_days(year(first_year) / January / 1);
constexpr UtcMillis last_moment = sys_days(year(last_year + 1) / January / 1);

struct Slots {
    milliseconds period;
    UtcMillis anchor;
    bool from_anchor_on;

    Slots(
        milliseconds every, std::optional<UtcMillis> starting, std::optional<UtcMillis> after_anchor
    )
        : period(every),
          anchor(after_anchor ? *after_anchor + every : starting.value_or(first_moment)),
          from_anchor_on(after_anchor || starting) {}

    std::int64_t number_until(UtcMillis when) const {
        const auto distance = (when - anchor).count();
        const auto number = distance / period.count();
        return distance % period.count() < 0 ? number - 1 : number;
    }
    std::optional<UtcMillis> after(UtcMillis when) const {
        if (from_anchor_on && when < anchor) return anchor;
        return anchor + (number_until(when) + 1) * period;
    }
    std::optional<UtcMillis> before(UtcMillis when) const {
        if (from_anchor_on && when <= anchor) return std::nullopt;
        return anchor + number_until(when - milliseconds(1)) * period;
    }
};

}  // namespace

bool DayWindow::contains(seconds since_midnight) const {
    if (begin < end) return since_midnight >= begin && since_midnight < end;
    return since_midnight >= begin || since_midnight < end;
}

Interval Interval::anchored(UtcMillis when) const {
    Interval out = *this;
    out.anchor_ = std::clamp(when, first_moment, last_moment);
    return out;
}

std::optional<UtcMillis> Interval::next(UtcMillis after, const TimeZone& zone) const {
    const Slots slots(period_, starting_, anchor_);
    auto slot = slots.after(std::clamp(after, first_moment - period_, last_moment));
    while (slot && *slot < last_moment && between_) {
        const auto now = floor<seconds>(*slot);
        const ZonePeriod period = zone.period_at(now);
        const LocalSeconds local = period.to_local(now);
        const auto midnight = floor<days>(local);
        if (between_->contains(local - midnight)) return slot;
        LocalSeconds opens = midnight + between_->begin;
        if (opens <= local) opens += days(1);
        // Either of them may bring the window: the clock gets there, or jumps.
        const UtcSeconds look = std::min(period.to_utc(opens), period.end);
        slot = slots.after(look - milliseconds(1));
    }
    if (!slot || *slot >= last_moment) return std::nullopt;
    return slot;
}

std::optional<UtcMillis> Interval::previous(UtcMillis before, const TimeZone& zone) const {
    const Slots slots(period_, starting_, anchor_);
    auto slot = slots.before(std::clamp(before, first_moment, last_moment));
    while (slot && *slot >= first_moment && between_) {
        const auto now = floor<seconds>(*slot);
        const ZonePeriod period = zone.period_at(now);
        const LocalSeconds local = period.to_local(now);
        const auto midnight = floor<days>(local);
        if (between_->contains(local - midnight)) return slot;
        LocalSeconds closes = midnight + between_->end;
        if (closes > local) closes -= days(1);
        const UtcSeconds look = std::max(period.to_utc(closes), period.begin);
        slot = slots.before(look);
    }
    if (!slot || *slot < first_moment) return std::nullopt;
    return slot;
}

}  // namespace tranter::schedule
