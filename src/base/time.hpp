#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

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
};

/// The wall clock as it was at construction, advanced by the monotonic clock ever since.
class SteadyClock final : public Clock {
  public:
    /// Starts at `not_before` when the wall clock is behind it.
    explicit SteadyClock(Instant not_before = {})
        : wall_(std::max(wall_clock(), not_before).time_since_epoch()),
          steady_(std::chrono::steady_clock::now()) {}

    static Instant wall_clock() {
        return Instant(std::chrono::duration_cast<Duration>(
            std::chrono::system_clock::now().time_since_epoch()
        ));
    }

    Instant now() const override {
        const auto elapsed = std::chrono::steady_clock::now() - steady_;
        return Instant(wall_ + std::chrono::duration_cast<Duration>(elapsed));
    }

  private:
    Duration wall_;
    std::chrono::steady_clock::time_point steady_;
};

}  // namespace tranter
