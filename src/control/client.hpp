#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "supervise/app.hpp"
#include "supervise/view.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// How the command line and the daemon of `tranter up` talk: requests and answers as JSON, one to a
/// line, over a unix socket that only its owner may open (docs/control-protocol.md).
namespace tranter::control {

/// About the daemon itself.
struct DaemonView {
    pid_t pid = 0;
    std::string version{};
    Instant started_at{};
    std::uint64_t memory_bytes = 0;
    std::string home{};
    std::string file{};  // that was given to `up`; empty: none
};

/// What is asked of apps, or of instances, by name. Targets are "all", names of apps, namespaces,
/// keys of instances ("3") or "web:1"; which one is meant is found out by the daemon, in this
/// order. `not_found` names a target that is nothing; `internal` says which apps failed, and why.
struct Order {
    enum class Kind : std::uint8_t {
        start,
        stop,
        restart,
        reload,
        remove,
        scale,   // by `count`: "3", "+2", "-1"
        signal,  // `count` is the name or number of the signal
        reset,
        flush_logs,
    };
    Kind kind = Kind::start;
    std::vector<std::string> targets{};
    std::string count{};
    /// The answer comes when all is done (ready, stopped, replaced), or has failed; else at once.
    bool waits = true;
    /// What is not done by then is `timed_out`; it goes on all the same. {}: however long it takes.
    Duration limit{};
};

/// One connection. Calls block until the daemon has answered. Not thread-safe. Errors of the daemon
/// come as they are; `unavailable` when it is not there or went away.
class Client {
  public:
    [[nodiscard]] static Result<Client> connect(const std::string& socket);
    Client(Client&& other) noexcept;
    Client& operator=(Client&& other) noexcept;
    ~Client();

    Result<DaemonView> daemon();
    Result<std::vector<supervise::InstanceView>> instances();
    /// Their environment is whole: whoever prints it hides what is secret (base/secrets.hpp).
    Result<std::vector<supervise::App>> apps();
    Result<std::vector<supervise::Event>> events_after(std::uint64_t number);
    /// Of all instances that `targets` name, merged by time, oldest first.
    Result<std::vector<supervise::OutputLine>> latest_lines(const std::vector<std::string>& targets
    );

    /// Adds or replaces definitions; nothing is started. `file`: where they come from.
    Result<> put(const std::vector<supervise::App>& apps, const std::string& file = {});
    Result<> give(const Order& order);
    Result<> reopen_logs();
    /// Stops all apps and then the daemon; the answer comes when nothing is left.
    Result<> shut_down();

    struct Following {
        std::function<void(const supervise::OutputLine&)> line{};
        std::function<void(const supervise::Event&)> event{};
        /// Asked after each, and whenever `wake` (a descriptor; -1: none) is readable.
        std::function<bool()> goes_on{};
        int wake = -1;
    };
    /// Until `goes_on` says no or the daemon ends. `targets` empty: all.
    Result<> follow(const std::vector<std::string>& targets, const Following& following);

  private:
    class Impl;
    explicit Client(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Where everything of the daemon lives: TRANTER_HOME, else ~/.tranter.
struct Home {
    std::string directory{};

    std::string socket() const { return directory + "/daemon.sock"; }
    std::string state_file() const { return directory + "/state.json"; }
    std::string dump_file() const { return directory + "/dump.json"; }
    std::string logs() const { return directory + "/logs"; }
    std::string runtime() const { return directory + "/run"; }
    std::string data() const { return directory + "/data"; }
};
/// `environment`: "NAME=value" each. `invalid_argument` when neither HOME nor TRANTER_HOME is set.
Result<Home> home_of(const std::vector<std::string>& environment);

}  // namespace tranter::control
