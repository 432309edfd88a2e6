#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace tranter {

/// Something that other threads wake up.
class Wakeable {
  public:
    virtual ~Wakeable() = default;
    /// Thread-safe.
    virtual void wake_now() = 0;
};

/// While one exists, this thread puts off waking others until it has done everything it is about
/// to do, so that they find all of it at once and do not fall asleep in between: waking a thread
/// costs more than most of what it is woken for. Bursts inside a burst have no effect.
class Burst {
  public:
    Burst() : outermost_(!std::exchange(active, true)) {}
    ~Burst() {
        if (!outermost_) return;
        active = false;
        for (const auto& sleeper : put_off)
            sleeper->wake_now();
        put_off.clear();
    }
    Burst(const Burst&) = delete;
    Burst& operator=(const Burst&) = delete;

    /// Wakes at the end of this thread's burst, at once when there is none.
    static void wake(const std::shared_ptr<Wakeable>& sleeper) {
        if (active) {
            put_off.push_back(sleeper);
        } else {
            sleeper->wake_now();
        }
    }

  private:
    static inline thread_local bool active = false;
    static inline thread_local std::vector<std::shared_ptr<Wakeable>> put_off;
    bool outermost_;
};

}  // namespace tranter
