#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>

namespace tranter {

/// Engine and broker time: microseconds since the Unix epoch, UTC. It never goes backwards and does
/// not follow steps of the wall clock while the process runs (see Clock), so leases and delays are
/// never early; after a restart absolute times still mean the same moment.
struct EngineClock {
    using duration = std::chrono::microseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<EngineClock>;
    static constexpr bool is_steady = true;
};
using Instant = EngineClock::time_point;
using Duration = std::chrono::microseconds;

/// Milliseconds since the Unix epoch, as SQS shows times on the wire.
inline std::int64_t unix_millis(Instant when) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

inline std::int64_t unix_seconds(Instant when) {
    return std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
}

/// Where time comes from. Production uses SteadyClock, tests a ManualClock.
class Clock {
  public:
    virtual ~Clock() = default;
    /// Thread-safe.
    virtual Instant now() const = 0;
    /// How far the clock that people read is ahead of this one, because it has been set meanwhile:
    /// a time that they name is so much earlier here.
    virtual Duration wall_ahead() const { return {}; }
};

/// The wall clock as it was at construction, advanced ever since by a clock that nobody sets, and
/// that goes on while the machine sleeps.
class SteadyClock final : public Clock {
  public:
    /// Starts at `not_before` when the wall clock is behind it.
    explicit SteadyClock(Instant not_before = {})
        : wall_(std::max(wall_clock(), not_before).time_since_epoch()), begun_(since_boot()) {}

    static Instant wall_clock() {
        return Instant(std::chrono::duration_cast<Duration>(
            std::chrono::system_clock::now().time_since_epoch()
        ));
    }

    Instant now() const override {
        return Instant(wall_ + std::chrono::duration_cast<Duration>(since_boot() - begun_));
    }

    Duration wall_ahead() const override {
        const Duration ahead = wall_clock() - now();
        return std::chrono::abs(ahead) < is_set_from ? Duration() : ahead;
    }

  private:
    /// Less is a clock that is corrected little by little, and the time between two readings.
    static constexpr Duration is_set_from = std::chrono::seconds(1);

    static std::chrono::nanoseconds since_boot() {
        timespec time{};
        ::clock_gettime(CLOCK_BOOTTIME, &time);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }

    Duration wall_;
    std::chrono::nanoseconds begun_;
};

}  // namespace tranter
