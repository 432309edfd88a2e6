#pragma once

#include <tranter/job.hpp>

#include <optional>
#include <stop_token>

namespace tranter::schedule {

/// Sleeps until a moment of the wall clock. Also woken when that clock is set, so that neither a
/// step of it nor a suspended machine is noticed late (timerfd with TFD_TIMER_CANCEL_ON_SET).
class Waker {
  public:
    /// Throws SystemError when the kernel refuses.
    Waker();
    ~Waker();
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;

    /// Ends the sleep, or the next one. From any thread.
    void wake();
    /// One thread. Returns at `when`, after wake(), when `other_fd` (-1: none) is readable, when
    /// the clock is set, or when a stop is requested.
    void sleep_until(TimePoint when, int other_fd, const std::stop_token& stop);

  private:
    int timer_fd_ = -1;
    int event_fd_ = -1;
};

}  // namespace tranter::schedule
