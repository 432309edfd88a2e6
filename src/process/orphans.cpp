#include "process/orphans.hpp"

#include "process/descriptor.hpp"
#include "process/process_stat.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

namespace tranter::process {
namespace {

template <class Accept>
std::vector<pid_t> children_that(Accept accept) {
    std::vector<pid_t> out;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", failed)) {
        const std::string name = entry.path().filename();
        if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos) continue;
        const auto pid = static_cast<pid_t>(std::strtol(name.c_str(), nullptr, 10));
        const auto found = read_stat(pid);
        if (found && found->parent == ::getpid() && accept(found->state)) out.push_back(pid);
    }
    return out;
}

/// A killed process ends at once, unless it waits for a device, which must not hold us as well.
void take_ended(pid_t pid) {
    const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
    constexpr int patience_millis = 200;
    if (handle) ::poll(&ended, 1, patience_millis);
    ::waitpid(pid, nullptr, WNOHANG);
}

}  // namespace

bool adopt_orphans() {
    return ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
}

std::vector<pid_t> list_children() {
    return children_that([](char) { return true; });
}

std::vector<pid_t> list_zombies() {
    return children_that([](char state) { return state == 'Z'; });
}

std::uint64_t start_ticks(pid_t pid) {
    return read_stat(pid).value_or(ProcessStat{}).start_ticks;
}

std::uint64_t ticks_now() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    const auto nanos_per_tick = 1'000'000'000 / per_second;
    return static_cast<std::uint64_t>(now.tv_sec) * per_second +
           static_cast<std::uint64_t>(now.tv_nsec) / nanos_per_tick;
}

std::string initial_variable(pid_t pid, std::string_view name) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
    for (std::string entry; std::getline(file, entry, '\0');) {
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            return entry.substr(name.size() + 1);
        }
    }
    return {};
}

std::size_t kill_orphans(const std::function<bool(pid_t)>& is_foreign, int rounds_max) {
    std::size_t killed = 0;
    for (int round = 0; round < rounds_max; ++round) {
        bool found = false;
        for (const pid_t pid : children_that([](char state) { return state != 'Z'; })) {
            if (!is_foreign(pid)) continue;
            found = true;
            if (::kill(pid, SIGKILL) == 0) ++killed;
            take_ended(pid);
        }
        if (!found) break;
    }
    return killed;
}

}  // namespace tranter::process
