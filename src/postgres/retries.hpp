#pragma once

#include <chrono>

namespace tranter::postgres {

/// When a connection that could not be made is tried again: after 50 ms, then twice as long each
/// time, up to 5 s. One thread at a time.
class Retries {
  public:
    using Clock = std::chrono::steady_clock;

    bool are_due() const { return Clock::now() >= next_; }
    Clock::time_point next() const { return next_; }
    void failed();
    void succeeded() {
        rest_ = {};
        next_ = {};
    }

  private:
    std::chrono::milliseconds rest_{};
    Clock::time_point next_{};
};

}  // namespace tranter::postgres
