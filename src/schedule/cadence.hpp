#pragma once

#include "base/error.hpp"
#include "schedule/cron_expression.hpp"
#include "schedule/cron_firing.hpp"
#include "schedule/interval.hpp"
#include "schedule/zone_directory.hpp"

#include <tranter/schedule.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tranter::schedule {

struct CadenceOptions {
    /// Name of a time zone; a prefix in the expression wins. Empty: UTC.
    std::string zone{};
    DstRules dst{};
    std::chrono::milliseconds period_min = std::chrono::seconds(1);
    /// Of an interval without `starting`.
    IntervalAnchor anchor = IntervalAnchor::epoch;
};

/// When a schedule fires: a cron expression (cron_expression.hpp) or an interval (interval.hpp) in
/// a time zone. Nothing but a function of these; it remembers nothing.
class Cadence {
  public:
    /// `invalid_argument` for what cannot be read; says what would be right.
    [[nodiscard]] static Result<Cadence> parse(
        std::string_view expression, const CadenceOptions& options, ZoneDirectory& zones
    );

    /// Counts from 1970 until it is anchored() somewhere else; IntervalAnchor says where.
    IntervalAnchor anchor() const { return anchor_; }
    /// An interval counts from `when` on, see Interval::anchored(); a cron expression stays.
    Cadence anchored(UtcMillis when) const;
    /// Of an interval.
    std::optional<std::chrono::milliseconds> period() const;

    /// Strictly after `after`; nothing when it never fires again.
    std::optional<UtcMillis> next(UtcMillis after) const;
    /// Strictly before `before`.
    std::optional<UtcMillis> previous(UtcMillis before) const;
    /// `invalid_argument` when it never fires again, such as on February 30.
    [[nodiscard]] Result<> check_fires(UtcMillis after) const;
    /// At most `count` of them.
    std::vector<UtcMillis> next_n(UtcMillis after, std::size_t count) const;

    const std::string& expression() const { return expression_; }
    const TimeZone& zone() const { return *zone_; }
    /// What surely was not meant, one sentence each.
    std::vector<std::string> warnings() const;
    /// "every weekday at 09:00, New York time".
    std::string in_words() const;

  private:
    Cadence() = default;

    std::string expression_{};
    ZoneHandle zone_{};
    ZoneHandle window_zone_{};
    DstRules dst_{};
    IntervalAnchor anchor_ = IntervalAnchor::epoch;
    std::variant<CronExpression, Interval> when_{};
};

}  // namespace tranter::schedule
