#pragma once

#include "base/descriptor.hpp"
#include "base/time.hpp"
#include "supervise/event_loop.hpp"

#include <functional>
#include <utility>

namespace tranter::supervise {

/// Calls at a moment of the wall clock, which people, NTP and a sleep of the machine move; the
/// clock of an EventLoop goes on regardless. Nothing wakes up meanwhile. Not thread-safe.
class WallAlarm {
  public:
    /// `rang` is called by the loop, at the moment and whenever the clock was set, since another
    /// moment may be next then. No alarm is set any more when it is. Throws SystemError when there
    /// are no descriptors left.
    WallAlarm(EventLoop& loop, std::function<void()> rang);
    ~WallAlarm();
    WallAlarm(const WallAlarm&) = delete;
    WallAlarm& operator=(const WallAlarm&) = delete;

    /// Instead of the one before. Rings at once for a moment that has been. Instant::max(): never.
    void set(Instant at);

  private:
    void ring();
    void tell();

    EventLoop& loop_;
    const std::function<void()> rang_;
    Descriptor timer_;
    EventLoop::TimerId soon_ = EventLoop::TimerId::none;  // the clock was set during set()
};

}  // namespace tranter::supervise
