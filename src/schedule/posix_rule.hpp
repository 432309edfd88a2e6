#pragma once

#include "base/error.hpp"
#include "schedule/zone_time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tranter::schedule {

/// The rule for all years to come in the footer of a TZif file: a TZ string of POSIX with the
/// extensions of RFC 9636, section 3.3.1, such as `EST5EDT,M3.2.0,M11.1.0` or `<-03>3`.
class PosixRule {
  public:
    [[nodiscard]] static Result<PosixRule> parse(std::string_view text);

    /// The stretch with one offset around `when`, if the rule held for all time.
    ZonePeriod period_at(UtcSeconds when) const;

    /// When a day of the year begins or ends daylight saving time.
    struct Change {
        enum class Kind : std::uint8_t {
            month_week_day,  // Mm.w.d
            julian,          // Jn: 1 to 365, February 29 is never counted
            zero_based,      // n: 0 to 365, February 29 is counted
        } kind = Kind::month_week_day;
        int month = 0;
        int week = 0;  // 5: the last
        int day = 0;
        std::chrono::seconds time = std::chrono::hours(2);  // local, from -167 to 167 hours
    };

  private:
    struct Daylight {
        std::chrono::seconds offset{};
        Change begin{};
        Change end{};
    };

    std::chrono::seconds standard_{};
    std::optional<Daylight> daylight_{};
};

}  // namespace tranter::schedule
