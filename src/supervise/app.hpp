#pragma once

#include "base/time.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// What `tranter up` keeps running, however its file was written: tranter.toml, a PM2 ecosystem
/// file, a Procfile. Times are monotonic, sizes are bytes.
namespace tranter::supervise {

/// Whether an app is restarted when it has ended by itself.
enum class RestartWhen : std::uint8_t { never, on_failure, always };

struct RestartRule {
    RestartWhen when = RestartWhen::always;
    /// Ends with these codes are wanted: the app is `stopped`, whatever `when` says.
    std::vector<int> stop_exit_codes{};
    /// Restarts before it is given up as `errored`; 0: never given up.
    std::uint32_t max = 10;
    /// They are counted within this time, whatever they waited for. {}: counted are those that
    /// followed an end before `min_uptime`, one after the other, however long that took.
    Duration window = std::chrono::seconds(60);
    /// Before a restart. The first goes at once when it is {}.
    Duration delay{};
    /// After ends before `min_uptime` the wait grows by `factor` up to this; {}: it does not.
    Duration delay_max = std::chrono::seconds(15);
    double factor = 2;
    /// Share of a wait that is left to chance, 0 to 1.
    double jitter = 0.1;
    /// Who lives for so long has started well.
    Duration min_uptime = std::chrono::seconds(1);

    bool operator==(const RestartRule&) const = default;
};

/// How it is found out whether a process is ready, or still well.
struct Probe {
    enum class Kind : std::uint8_t {
        none,
        uptime,      // it lives for min_uptime
        notify,      // READY=1 by sd_notify(3)
        ipc,         // the message "ready" on the channel of Node.js
        descriptor,  // a newline on descriptor `target`
        tcp,         // a connection to `target`, HOST:PORT
        http,        // a 2xx or 3xx answer of `target`, a URL
        exec,        // `command` ends with 0
        log_line,    // a line of its output that matches `target`, a regular expression
    };
    Kind kind = Kind::none;
    std::string target{};
    std::vector<std::string> command{};
    Duration delay{};  // before the first try
    Duration period = std::chrono::seconds(1);
    Duration timeout = std::chrono::seconds(1);  // of a try
    std::uint32_t failures_max = 3;              // in succession

    bool operator==(const Probe&) const = default;
};

struct Readiness {
    Probe probe{.kind = Probe::Kind::uptime};
    /// Not ready by then is a failed start. {}: there is no limit.
    Duration limit = std::chrono::seconds(30);

    bool operator==(const Readiness&) const = default;
};

struct StopRule {
    int signal = SIGTERM;
    /// To the leader alone, not to its group.
    bool leader_only = false;
    /// The text "shutdown" on the channel of Node.js comes before the signal, which is not sent.
    bool by_message = false;
    /// After that everything that is left is killed.
    Duration timeout = std::chrono::seconds(10);

    bool operator==(const StopRule&) const = default;
};

struct Dependency {
    enum class Condition : std::uint8_t { started, ready, completed, completed_successfully };
    std::string app{};
    Condition condition = Condition::ready;
    /// Restarted when that one is.
    bool restarts_with_it = false;

    bool operator==(const Dependency&) const = default;
};

struct LogRule {
    std::string output{};    // path; empty: none
    std::string errors{};    // path, may be the same
    std::string combined{};  // path of both in addition; empty: none
    /// {number} in a path is the number of the instance.
    std::uint64_t bytes_max = std::uint64_t{10} << 20;  // of a file before it is rotated; 0: never
    std::uint32_t files_max = 5;                        // that were rotated
    Duration age_max{};                                 // of a file; {}: any
    bool compress = false;                              // those that were rotated
    bool json = false;                                  // each line as an object
    std::string time_format{};                          // strftime, local, before each line

    bool operator==(const LogRule&) const = default;
};

struct Limits {
    std::uint64_t memory_bytes = 0;  // of all its processes: over it, it is restarted; 0: none
    std::uint64_t open_files = 0;    // 0: as ours
    std::uint64_t processes = 0;     // with a cgroup; 0: any
    double cpus = 0;                 // with a cgroup; 0: all
    std::string user{};              // name or number; empty: ours. For root only
    std::string group{};
    int umask = -1;  // -1: ours
    int nice = 0;

    bool operator==(const Limits&) const = default;
};

enum class AppType : std::uint8_t {
    service,
    oneshot,  // its end with code 0 is what it is for
};

struct App {
    std::string name{};
    std::string space = "default";  // PM2: namespace
    AppType type = AppType::service;
    std::vector<std::string> command{};  // at least the program
    std::string directory{};             // empty: that of its file
    std::vector<std::pair<std::string, std::string>> environment{};
    /// Variables of whoever started it are handed on, but for those whose name has one of
    /// `hidden_variables` in it.
    bool inherits_environment = true;
    std::vector<std::string> hidden_variables{};
    /// Holds the number of the instance, from 0.
    std::string number_variable = "TRANTER_INSTANCE";
    /// Names a variable of `environment` with a whole number, to which each instance adds its own
    /// number: ports. Empty: none.
    std::string increment_variable{};
    /// Holds the pid of the leader while it runs. {number} as in logs; empty: none.
    std::string pid_file{};

    std::uint32_t instances = 1;
    bool starts_by_itself = true;
    std::vector<Dependency> depends_on{};
    RestartRule restart{};
    Readiness readiness{};
    Probe liveness{};
    StopRule stop{};
    LogRule logs{};
    Limits limits{};
    /// Instances that a reload replaces at a time. 0: two copies cannot live beside each other, for
    /// want of ports above all, so whoever is asked for a reload restarts it.
    std::uint32_t reloads_at_once = 1;
    std::string restart_cron{};  // empty: none
    /// Files, and folders with all that is in them.
    std::vector<std::string> watched{};
    /// Patterns of fnmatch(3) for a name ("node_modules", ".*") or for a whole path ("/srv/tmp/*"),
    /// or "re:" and a regular expression (ECMAScript) that is searched for in the path. What is
    /// below a folder that does not count does not count either.
    std::vector<std::string> unwatched{};
    Duration watch_delay = std::chrono::milliseconds(200);

    bool operator==(const App&) const = default;
};

}  // namespace tranter::supervise
