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
/// of the loop. Not thread-safe. Made before the process is spawned, because some kinds hand it a
/// descriptor or a variable.
class Probing {
  public:
    struct Options {
        EventLoop& loop;
        const App& app;  // outlives it
        std::uint32_t number = 0;
        /// Where the socket for sd_notify(3) is made.
        std::string runtime_directory{};
    };
    struct Listener {
        std::function<void()> ready{};
        /// `why` is for people.
        std::function<void(std::string why)> failed{};
        /// STATUS= of sd_notify(3), for people.
        std::function<void(std::string_view status)> status{};
    };

    /// `unavailable` when there are no descriptors left, `invalid_argument` for a probe that cannot
    /// work (a regular expression that is none).
    [[nodiscard]] static Result<std::unique_ptr<Probing>> make(Options options, Listener listener);
    virtual ~Probing() = default;
    Probing(const Probing&) = delete;
    Probing& operator=(const Probing&) = delete;

    /// Puts in what the process has to get: descriptors and variables (NOTIFY_SOCKET,
    /// WATCHDOG_USEC, NODE_CHANNEL_FD). The channel of Node.js is there for every app whose program
    /// is node, since StopRule::by_message needs it too.
    virtual void prepare(process::SpawnOptions& program) = 0;
    /// `leader` is its pid; only it and its descendants are believed.
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
