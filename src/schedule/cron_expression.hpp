#pragma once

#include "base/error.hpp"
#include "schedule/cron_fields.hpp"
#include "schedule/zone_time.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::schedule {

inline constexpr std::size_t expression_bytes_max = 1024;

/// A cron expression: which seconds of a wall clock it means.
///
///     [second] minute hour day-of-month month day-of-week [year]
///
/// Five fields begin with the minute, six with the second, seven end with a year (1970 to 2199). A
/// field is a list, separated by commas, of `*`, a value, a range `a-b`, and each of them with a
/// step `/n` (`a/n` is `a-max/n`). Months and days of the week have English names of three letters
/// in any case; 0 and 7 are Sunday, and a range may end with it. `?` is `*` in both day fields.
///
///     L, L-3     the last day of the month, three days before it
///     15W, LW    the working day nearest to the 15th, the last one of the month
///     FRI#2      the second Friday of the month
///     FRIL, FRI#L, 5L   the last one
///     +MON       (day of the week) only on days that the day of the month allows as well
///
/// When both day fields are restricted, a day need satisfy one of them. Only `*` and `?` by
/// themselves are no restriction. @yearly, @annually, @monthly, @weekly, @daily, @midnight and
/// @hourly stand for whole expressions. A prefix `CRON_TZ=Zone` or `TZ=Zone` names a time zone.
class CronExpression {
  public:
    /// `invalid_argument` names the field, the column from 1, the reason and what would be right.
    [[nodiscard]] static Result<CronExpression> parse(std::string_view text);

    const CronFields& fields() const { return fields_; }
    /// From the prefix; empty: none.
    const std::string& zone() const { return zone_; }
    /// What surely was not meant although it can be read, one sentence each.
    const std::vector<std::string>& warnings() const { return warnings_; }

    /// The first time from `from` on, `from` included, that the expression allows; nothing when
    /// there is none until the year 2199. Takes microseconds, however far away it is.
    std::optional<LocalSeconds> first_from(LocalSeconds from) const;
    /// The last one until `until`, `until` included; nothing when there is none since 1970.
    std::optional<LocalSeconds> last_until(LocalSeconds until) const;

  private:
    CronFields fields_;
    std::string zone_;
    std::vector<std::string> warnings_;
};

}  // namespace tranter::schedule
