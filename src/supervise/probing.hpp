#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "process/spawn.hpp"
#include "supervise/app.hpp"
#include "supervise/event_loop.hpp"

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::supervise {

/// Asks one live process whether it is ready, and later whether it is still well, by one Probe each
/// (kind `uptime` needs none and is not given here). Never blocks; everything happens on the thread
/// of the loop. Not thread-safe. Made before the process is spawned, for each start anew, because
/// some kinds hand it a descriptor or a variable.
///
/// In `target` of a probe {number} is the number of the instance. Until it is ready a try that
/// fails means "not yet". Whether it is well is asked by kind tcp, http, exec, or notify: then the
/// process says WATCHDOG=1 of sd_notify(3) at least every `period` (WATCHDOG_USEC), and
/// `failures_max` periods without it are too many; a try that may fail so often in succession is
/// one of the others. A command of kind exec has the environment, the directory and the user of the
/// process.
class Probing {
  public:
    struct Options {
        EventLoop& loop;
        const App& app;  // outlives it
        std::uint32_t number = 0;
        /// Where the socket for sd_notify(3) is made.
        std::string runtime_directory{};
    };
    /// Called by the loop alone. `ready` and `failed` come at most once for each watch, and
    /// whoever is told may destroy the Probing.
    struct Listener {
        std::function<void()> ready{};
        /// `why` is for people.
        std::function<void(std::string why)> failed{};
        /// STATUS= of sd_notify(3), for people.
        std::function<void(std::string_view status)> status{};
        /// EXTEND_TIMEOUT_USEC= of sd_notify(3): from now on, for its start or its end.
        std::function<void(Duration more)> more_time{};
    };

    /// `unavailable` when there are no descriptors left, `invalid_argument` for a probe that cannot
    /// work (a regular expression that is none, liveness by kind log_line).
    [[nodiscard]] static Result<std::unique_ptr<Probing>> make(Options options, Listener listener);
    virtual ~Probing() = default;
    Probing(const Probing&) = delete;
    Probing& operator=(const Probing&) = delete;

    /// Puts in what the process has to get: descriptors and variables (NOTIFY_SOCKET,
    /// WATCHDOG_USEC, NODE_CHANNEL_FD). The channel of Node.js is there for every app whose program
    /// is node, since StopRule::by_message needs it too. Takes out what others have said to us in
    /// the same way, and the sockets that systemd may have given us (LISTEN_FDS).
    virtual void prepare(process::SpawnOptions& program) = 0;
    /// `leader` is its pid; only it and its descendants are believed, also those that its Keeper
    /// has adopted.
    virtual void spawned(pid_t leader) = 0;
    virtual void watch_readiness() = 0;
    virtual void watch_liveness() = 0;
    virtual void unwatch() = 0;
    /// A line that it printed, without the newline, for kind log_line.
    virtual void see_line(std::string_view line) = 0;
    /// The text "shutdown" on the channel of Node.js. False when there is none.
    virtual bool send_shutdown() = 0;

  protected:
    Probing() = default;
};

}  // namespace tranter::supervise
