#pragma once

#include "base/time.hpp"
#include "base/wake_event.hpp"
#include "handlers/orphan_watch.hpp"
#include "process/spawn.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tranter::handlers {

/// Sees to it that processes end that are not needed any more, so that nobody has to wait for it.
/// Each has got the end of its input, and gets SIGTERM after half of `grace` and SIGKILL after all
/// of it, as its whole group does once it has ended. Thread-safe.
class Retirement {
  public:
    /// Throws SystemError when there are no descriptors left.
    explicit Retirement(Duration grace);
    /// Waits for all of them, at most for `grace`.
    ~Retirement();
    Retirement(const Retirement&) = delete;
    Retirement& operator=(const Retirement&) = delete;

    /// `watched` ends when the process has.
    void add(process::Child child, std::unique_ptr<OrphanWatch::Watched> watched);

  private:
    using Moment = std::chrono::steady_clock::time_point;
    struct Retired {
        process::Child child{};
        std::unique_ptr<OrphanWatch::Watched> watched{};
        Moment next{};  // when it is told again
        bool was_told = false;
    };

    void run();
    void wait_for_more(const std::vector<Retired>& retired) const;
    void tell(Retired& retired) const;

    const std::chrono::nanoseconds half_;
    WakeEvent woken_{};
    std::mutex mutex_;
    // guarded by mutex_
    std::vector<Retired> added_;
    bool ending_ = false;

    std::thread thread_;
};

}  // namespace tranter::handlers
