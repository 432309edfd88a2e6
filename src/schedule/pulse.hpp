#pragma once

#include <atomic>
#include <chrono>

namespace tranter::schedule {

/// Whether a loop that works and sleeps in turn still gets on. Thread-safe; one thread beats.
class Pulse {
  public:
    using Clock = std::chrono::steady_clock;

    /// Something was done, or begins.
    void beat(Clock::time_point now) { expected_.store(now, std::memory_order_relaxed); }
    /// Nothing is to be done until then.
    void rests_until(Clock::time_point when) { expected_.store(when, std::memory_order_relaxed); }
    void stops() { expected_.store(Clock::time_point(), std::memory_order_relaxed); }

    bool runs() const { return expected() != Clock::time_point(); }
    /// Whether nothing has been done for so long though something should have.
    bool is_late(Clock::time_point now, Clock::duration by) const {
        return runs() && now - expected() > by;
    }

  private:
    Clock::time_point expected() const { return expected_.load(std::memory_order_relaxed); }

    std::atomic<Clock::time_point> expected_{};  // {}: it does not run
};

}  // namespace tranter::schedule
