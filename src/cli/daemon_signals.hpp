#pragma once

#include "base/descriptor.hpp"
#include "supervise/event_loop.hpp"

#include <functional>

namespace tranter::cli {

/// The signals of the daemon, as calls on the thread of the loop. To be made before any other
/// thread. SIGTERM, SIGINT and SIGQUIT ask for the end; SIGHUP for new log files. The second of
/// the former ends the process at once, and with it, by their keepers, all apps.
class DaemonSignals {
  public:
    struct Calls {
        std::function<void(int signal)> end{};
        std::function<void()> reopen_logs{};
        std::function<void()> child_ended{};
    };

    /// Throws SystemError when there are no descriptors left.
    DaemonSignals();
    void listen(supervise::EventLoop& loop, Calls calls);

  private:
    void read() const;

    Descriptor signals_;
    Calls calls_{};
};

}  // namespace tranter::cli
