#pragma once

#include "base/error.hpp"
#include "supervise/app.hpp"
#include "supervise/attempt.hpp"
#include "supervise/event_loop.hpp"

#include <functional>
#include <memory>

namespace tranter::supervise {

/// Tries again and again, after `delay` every `period` of a Probe, one at a time; a try that takes
/// longer than `timeout` has failed. Goes on until it is destroyed.
class ProbeSeries {
  public:
    using Told = std::function<void(const Result<>& outcome)>;

    /// `told` is called after each try, by the loop, and may destroy it. `probe` is copied.
    ProbeSeries(EventLoop& loop, const Probe& probe, Attempts attempts, Told told);
    ~ProbeSeries();
    ProbeSeries(const ProbeSeries&) = delete;
    ProbeSeries& operator=(const ProbeSeries&) = delete;

  private:
    void wait_until(Instant at);
    void begin();
    void end(Result<> outcome);

    EventLoop& loop_;
    const Duration period_;
    const Duration timeout_;
    const Attempts attempts_;
    const Told told_;
    std::unique_ptr<Attempt> attempt_{};
    Instant begun_at_{};
    EventLoop::TimerId timer_ = EventLoop::TimerId::none;  // of the next try, or the end of this
};

}  // namespace tranter::supervise
