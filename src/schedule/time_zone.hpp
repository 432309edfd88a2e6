#pragma once

#include "base/error.hpp"
#include "schedule/posix_rule.hpp"
#include "schedule/zone_time.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::schedule {

/// A time zone as the system's TZif file has it (RFC 9636), with the rule in its footer for all
/// times after the last transition in the file. Immutable, so shared between threads at will.
class TimeZone {
  public:
    static TimeZone utc() { return TimeZone("UTC"); }
    /// Reads the bytes of a TZif file of version 2 or later. `corrupted` when they are none.
    [[nodiscard]] static Result<TimeZone> parse(std::string name, std::string_view file);

    const std::string& name() const { return name_; }
    /// The stretch of time with one offset from UTC that `when` lies in.
    ZonePeriod period_at(UtcSeconds when) const;

  private:
    explicit TimeZone(std::string name) : name_(std::move(name)) {}

    struct Transition {
        UtcSeconds at{};
        std::chrono::seconds offset{};  // from then on
    };

    std::string name_;
    std::chrono::seconds first_offset_{};  // before the first transition
    std::vector<Transition> transitions_{};
    std::optional<PosixRule> rule_{};  // from the last transition on
};

}  // namespace tranter::schedule
