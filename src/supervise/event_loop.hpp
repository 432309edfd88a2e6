#pragma once

#include "base/descriptor.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace tranter::supervise {

/// Calls who waits for descriptors and for moments, one after the other, on the thread of
/// run_once(). Not thread-safe. Whoever is called may add and remove others, and himself.
class EventLoop {
  public:
    using Call = std::function<void()>;
    enum class TimerId : std::uint64_t { none };

    /// Throws SystemError when there are no descriptors left.
    explicit EventLoop(const Clock& clock);

    Instant now() const { return clock_.now(); }

    /// Calls when `fd` is readable or at its end, as long as it is. One call for a descriptor at a
    /// time. Throws SystemError when the kernel has no memory for it.
    void watch(int fd, Call call);
    /// To be said before it is closed.
    void unwatch(int fd);
    /// The same when something can be written.
    void watch_writable(int fd, Call call);

    /// Once, no earlier than `at`.
    TimerId call_at(Instant at, Call call);
    void cancel(TimerId timer);

    /// Waits for what comes next, at most until `limit`, and calls whoever waits for it.
    void run_once(Instant limit);

  private:
    void add(int fd, std::uint32_t events, Call call);
    void call_timers();
    int wait_millis(Instant limit) const;

    const Clock& clock_;
    Descriptor epoll_;
    /// Shared with the call that runs, which may be removed by itself.
    std::map<int, std::shared_ptr<const Call>> calls_{};
    std::map<std::pair<Instant, TimerId>, Call> timers_{};
    std::map<TimerId, Instant> timer_moments_{};
    std::uint64_t timers_made_ = 0;
};

}  // namespace tranter::supervise
