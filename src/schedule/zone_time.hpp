#pragma once

#include <chrono>
#include <cstdint>

namespace tranter::schedule {

using UtcSeconds = std::chrono::sys_seconds;
/// What a clock on the wall of some zone shows.
using LocalSeconds = std::chrono::local_seconds;

/// Far outside of all years that anything here can name, and far from overflow.
inline constexpr UtcSeconds beginning_of_time{std::chrono::seconds(-(std::int64_t{1} << 40))};
inline constexpr UtcSeconds end_of_time{std::chrono::seconds(std::int64_t{1} << 40)};

/// A stretch of time in which a zone has one offset from UTC.
struct ZonePeriod {
    UtcSeconds begin = beginning_of_time;
    UtcSeconds end = end_of_time;  // not part of it
    std::chrono::seconds offset{};

    LocalSeconds to_local(UtcSeconds when) const {
        return LocalSeconds(when.time_since_epoch() + offset);
    }
    UtcSeconds to_utc(LocalSeconds when) const {
        return UtcSeconds(when.time_since_epoch() - offset);
    }
};

}  // namespace tranter::schedule
