#pragma once

#include "base/error.hpp"
#include "schedule/time_zone.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::schedule {

using UtcMillis = std::chrono::sys_time<std::chrono::milliseconds>;

/// A stretch of each day, on a clock on the wall; it may pass midnight.
struct DayWindow {
    std::chrono::minutes begin{};
    std::chrono::minutes end{};  // not part of it
    std::string zone{};          // empty: that of the schedule

    bool contains(std::chrono::seconds since_midnight) const;
    bool operator==(const DayWindow&) const = default;
};

/// Every so often, in real time: a day is 24 hours, whatever the clocks on the wall do.
///
///     every 30 minutes | every minute | every 1h30m | @every 10m | PT30M | P1DT12H
///         [starting 2026-03-01T00:00:00Z] [between 09:00 and 17:00 [Europe/Berlin]]
///
/// Units: ms, second, minute, hour, day, week. Slots are whole periods after the anchor (the
/// `starting` time, else the Unix epoch), so that everybody comes to the same ones without having
/// to remember anything. Nothing fires before the anchor when it was given. An interval that counts
/// from another moment is anchored() there.
class Interval {
  public:
    /// Whether the text is an interval at all, maybe a wrong one.
    static bool looks_like_one(std::string_view text);
    /// `invalid_argument` says which part is wrong. A period below `period_min` is refused.
    [[nodiscard]] static Result<Interval> parse(
        std::string_view text, std::chrono::milliseconds period_min = std::chrono::seconds(1)
    );

    std::chrono::milliseconds period() const { return period_; }
    const std::optional<UtcMillis>& starting() const { return starting_; }
    const std::optional<DayWindow>& between() const { return between_; }

    /// The same with slots whole periods after `when`, which is none itself.
    Interval anchored(UtcMillis when) const;

    /// The first slot after `after`, in the window as clocks of `zone` show it.
    std::optional<UtcMillis> next(UtcMillis after, const TimeZone& zone) const;
    /// The last slot before `before`.
    std::optional<UtcMillis> previous(UtcMillis before, const TimeZone& zone) const;

  private:
    std::chrono::milliseconds period_{};
    std::optional<UtcMillis> starting_{};
    std::optional<UtcMillis> anchor_{};
    std::optional<DayWindow> between_{};
};

}  // namespace tranter::schedule
