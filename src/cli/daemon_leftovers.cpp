#include "cli/daemon_leftovers.hpp"

#include "base/log.hpp"
#include "cli/daemon_home.hpp"
#include "cli/json.hpp"
#include "process/descriptor.hpp"
#include "process/orphans.hpp"
#include "process/process_stat.hpp"
#include "supervise/descendants.hpp"
#include "supervise/instance_environment.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

namespace tranter::cli {
namespace {

struct KnownProcess {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;

    bool lives() const {
        const auto stat = process::read_stat(pid);
        return stat && stat->start_ticks == start_ticks && stat->state != 'Z';
    }
};

std::string boot_id() {
    return read_file("/proc/sys/kernel/random/boot_id").value_or("");
}

std::vector<KnownProcess> read_state(const control::Home& home) {
    const auto text = read_file(home.state_file());
    if (!text) return {};
    const auto state = Json::parse(*text);
    // Of an earlier boot nothing is left.
    if (!state || (*state)["boot_id"].text() != boot_id()) return {};
    std::vector<KnownProcess> known;
    for (const Json& one : (*state)["processes"].items()) {
        known.push_back(
            {.pid = static_cast<pid_t>(one["pid"].number()),
             .start_ticks = static_cast<std::uint64_t>(one["start_ticks"].number())}
        );
    }
    return known;
}

/// What runs in a container, or for another user, is nobody of ours, whatever its variables say.
/// But apps of root may have other users.
bool may_be_ours(pid_t pid, bool of_any_user) {
    const std::string process = fmt::format("/proc/{}", pid);
    struct stat info {};
    if (::stat(process.c_str(), &info) != 0) return false;
    if (info.st_uid != ::geteuid() && (!of_any_user || ::geteuid() != 0)) return false;
    const auto space_of = [](const std::string& whose) {
        std::error_code failed;
        return std::filesystem::read_symlink(whose + "/ns/pid", failed).string();
    };
    return space_of(process) == space_of("/proc/self");
}

/// A keeper is a copy of its daemon, so it has its environment.
bool is_keeper_of(pid_t pid, const control::Home& home) {
    if (!may_be_ours(pid, false)) return false;
    const auto name = read_file(fmt::format("/proc/{}/comm", pid));
    if (!name || *name != "tranter-keeper\n") return false;
    const auto its = control::home_of(
        {"TRANTER_HOME=" + process::initial_variable(pid, "TRANTER_HOME"),
         "HOME=" + process::initial_variable(pid, "HOME")}
    );
    return its && its->directory == home.directory;
}

/// Whether it was started by a daemon of this home, or by what that had started, however far away
/// from it. So not only what was known when the state was written last is found.
bool is_started_by(pid_t pid, const control::Home& home) {
    if (!may_be_ours(pid, true)) return false;
    const std::string place = process::initial_variable(pid, supervise::supervisor_variable);
    if (place.empty()) return false;
    std::error_code failed;
    return std::filesystem::equivalent(place, home.runtime(), failed);
}

/// Ourselves, and whoever has started us, which may have been an app: a deployment's hook, say,
/// that is one end of a pipe.
class OwnLine {
  public:
    OwnLine() {
        for (pid_t pid = ::getpid(); pid > 1;) {
            const auto stat = process::read_stat(pid);
            if (!stat) break;
            line_.push_back(pid);
            sessions_.push_back(stat->session);
            pid = stat->parent;
        }
    }
    bool has(pid_t pid) const { return std::ranges::find(line_, pid) != line_.end(); }
    /// Those beside them, too.
    bool is_near(pid_t pid) const {
        const auto stat = process::read_stat(pid);
        return stat && std::ranges::find(sessions_, stat->session) != sessions_.end();
    }

  private:
    std::vector<pid_t> line_{};
    std::vector<pid_t> sessions_{};
};

/// Also those that were started after the state was written last. After an orderly end there is no
/// state, and what has the variable then was meant to live on.
void add_found(
    const control::Home& home,
    const OwnLine& own,
    bool has_crashed,
    std::vector<KnownProcess>& known
) {
    std::error_code failed;
    for (std::filesystem::directory_iterator entry("/proc", failed), end; !failed && entry != end;
         entry.increment(failed)) {
        const auto pid =
            static_cast<pid_t>(std::strtol(entry->path().filename().c_str(), nullptr, 10));
        if (pid <= 0 || own.has(pid)) continue;
        const bool is_keeper = is_keeper_of(pid, home);
        const bool is_left = has_crashed && is_started_by(pid, home) && !own.is_near(pid);
        if (!is_keeper && !is_left) continue;
        known.push_back({.pid = pid, .start_ticks = process::start_ticks(pid)});
        if (!is_keeper) continue;
        for (const pid_t kept : supervise::descendants_of(pid))
            known.push_back({.pid = kept, .start_ticks = process::start_ticks(kept)});
    }
}

/// Whether it has ended by then.
bool ends_by(const KnownProcess& known, std::chrono::steady_clock::time_point deadline) {
    const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, known.pid, 0)));
    if (!handle || !known.lives()) return true;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
    const auto millis = std::max<std::int64_t>(left.count(), 0);
    return ::poll(&ended, 1, static_cast<int>(millis)) > 0;
}

}  // namespace

Result<> write_state(const control::Home& home) {
    Json processes{Json::Array()};
    for (const pid_t pid : supervise::descendants_of(::getpid())) {
        const std::uint64_t ticks = process::start_ticks(pid);
        if (ticks == 0) continue;
        Json one;
        one.set("pid", pid).set("start_ticks", ticks);
        processes.push(std::move(one));
    }
    Json state;
    state.set("boot_id", boot_id())
        .set("daemon", ::getpid())
        .set("processes", std::move(processes));
    return replace_file(home.state_file(), state.dump() + "\n", Outlives::process);
}

void remove_state(const control::Home& home) {
    ::unlink(home.state_file().c_str());
}

Result<std::size_t> clear_leftovers(const control::Home& home, Duration patience) {
    std::size_t killed = 0;
    auto deadline = std::chrono::steady_clock::now() + patience;
    const bool has_crashed = ::access(home.state_file().c_str(), F_OK) == 0;
    std::vector<KnownProcess> known = read_state(home);
    const OwnLine own;
    // What a keeper kills may have started something just before, which then is the keeper's too.
    for (int round = 0; round < 8; ++round) {
        add_found(home, own, has_crashed, known);
        std::erase_if(known, [](const KnownProcess& one) { return !one.lives(); });
        if (known.empty()) break;
        for (const KnownProcess& one : known) {
            if (ends_by(one, deadline)) continue;
            if (one.lives() && ::kill(one.pid, SIGKILL) == 0) ++killed;
        }
        deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    }
    if (!known.empty()) {
        return fail(
            Errc::conflict,
            fmt::format("process {} of the last daemon does not end", known.front().pid)
        );
    }
    remove_state(home);
    if (killed > 0) {
        log_warn("daemon", "processes of the last daemon were killed", {{"processes", killed}});
    }
    return killed;
}

}  // namespace tranter::cli
