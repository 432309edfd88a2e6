#pragma once

#include "base/error.hpp"
#include "process/descriptor.hpp"
#include "process/identity.hpp"
#include "process/running_groups.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tranter::process {

/// Of each process of the program; 0: as ours.
struct ResourceLimits {
    std::uint64_t memory_bytes = 0;  // address space
    std::uint64_t cpu_seconds = 0;
    std::uint64_t open_files = 0;
    /// Where `open_files` is 0: of this many, and the program may raise it to as many as we may
    /// have.
    std::uint64_t open_files_soft = 0;
    std::uint64_t processes = 0;  // of the user, which does not bind root

    bool operator==(const ResourceLimits&) const = default;
};

struct SpawnOptions {
    /// The program and its arguments, at least the program. A name without a slash is looked for
    /// in the PATH of `environment`. Nothing is ever read by a shell.
    std::vector<std::string> command{};
    /// Exactly this, "NAME=value" each.
    std::vector<std::string> environment{};
    std::string directory{};  // empty: ours
    ResourceLimits limits{};
    // What becomes its descriptors 0, 1 and 2; it inherits no others but `descriptors`.
    // -1: /dev/null.
    int input = -1;
    int output = -1;
    int errors = -1;
    /// Killed when the thread that started it ends, which it does with its process, however that
    /// ends.
    bool dies_with_us = true;
    /// Further descriptors of ours, each with the number that it gets, from 3 to 999.
    std::vector<std::pair<int, int>> descriptors{};
    /// A variable that holds its own pid (LISTEN_PID); empty: none.
    std::string pid_variable{};
    /// Nothing: it runs as us. For root only. `directory` is entered, and the program executed,
    /// with its rights; HOME and the like are the business of `environment`.
    std::optional<Identity> identity{};
    int umask = -1;  // -1: ours
    int nice = 0;    // added to ours
    /// The file cgroup.procs of a control group that it is in before anything of it runs; empty:
    /// ours.
    std::string cgroup_procs{};
};

/// A program that was started, in a session and a process group of its own, which is killed when a
/// signal ends us at once.
class Child {
  public:
    Child() = default;

    pid_t pid() const { return pid_; }
    /// Readable once it has ended.
    int pidfd() const { return pidfd_.get(); }

    /// To every process of its group. A group that is gone is no error.
    void signal_group(int signal) const;
    /// To the program alone.
    void signal(int number) const;

    struct Exit {
        int code = 0;    // when `signal` is 0
        int signal = 0;  // that ended it; 0: none
        bool core_dumped = false;

        bool operator==(const Exit&) const = default;
    };
    /// How it ended; nothing while it runs. After the first answer the pid may be anybody's, and
    /// nothing is signalled any more.
    std::optional<Exit> poll();
    /// Waits for its end.
    Exit wait();

  private:
    friend Result<Child> spawn(const SpawnOptions& options);

    Exit take(int wait_options, bool& ended);

    pid_t pid_ = 0;
    Descriptor pidfd_{};
    RunningGroup group_{};
    std::optional<Exit> exit_{};
};

/// "SIGSEGV"; "SIG99" for one without a name.
std::string signal_name(int signal);

/// Starts the program with default signal handling and without the right to gain privileges
/// (PR_SET_NO_NEW_PRIVS), so a set-user-id program runs as us. `not_found`, `permission_denied`
/// and others name the program and the reason. Thread-safe.
[[nodiscard]] Result<Child> spawn(const SpawnOptions& options);

}  // namespace tranter::process
