#include "process/launch.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

namespace tranter::process {
namespace {

using Step = LaunchFailure::Step;

/// Gives each its number, and closes all others on exec. Each is first moved out of the way of the
/// others.
bool place_descriptors(const Launch& launch) {
    for (Launch::Placed& one : launch.descriptors) {
        one.ours = ::fcntl(one.ours, F_DUPFD_CLOEXEC, launch.descriptor_max + 1);
        if (one.ours < 0) return false;
    }
    ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
    for (const Launch::Placed& one : launch.descriptors) {
        if (::dup2(one.ours, one.number) < 0) return false;
    }
    return true;
}

void reset_signals(const sigset_t& blocked) {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) {
        if (number != SIGKILL && number != SIGSTOP) ::sigaction(number, &standard, nullptr);
    }
    ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
}

bool enter_cgroup(const char* procs) {
    const int fd = ::open(procs, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool done = ::write(fd, "0", 1) == 1;
    const int error = errno;
    ::close(fd);
    errno = error;
    return done;
}

bool add_nice(int nice) {
    errno = 0;
    const int ours = ::getpriority(PRIO_PROCESS, 0);
    return errno == 0 && ::setpriority(PRIO_PROCESS, 0, ours + nice) == 0;
}

/// By system calls alone: those of the C library tell all threads, which are the parent's.
bool become_user(const Identity& who) {
    return ::syscall(SYS_setgroups, who.groups.size(), who.groups.data()) == 0 &&
           ::syscall(SYS_setresgid, who.group, who.group, who.group) == 0 &&
           ::syscall(SYS_setresuid, who.user, who.user, who.user) == 0;
}

void write_pid(std::span<char> text) {
    auto left = static_cast<unsigned>(::getpid());
    std::size_t digits = 0;
    for (unsigned rest = left; rest > 0; rest /= 10)
        ++digits;
    if (digits >= text.size()) return;
    text[digits] = '\0';
    for (; digits > 0; left /= 10)
        text[--digits] = static_cast<char>('0' + left % 10);
}

/// What only a privileged user may do, before we are none any more. `none` when all was done.
Step use_privileges(const Launch& launch, bool is_in_cgroup) {
    const bool must_enter = launch.cgroup_procs != nullptr && !is_in_cgroup;
    if (must_enter && !enter_cgroup(launch.cgroup_procs)) return Step::cgroup;
    if (launch.nice != 0 && !add_nice(launch.nice)) return Step::nice;
    for (std::size_t i = 0; i < launch.limit_count; ++i) {
        const auto& [resource, limit] = launch.limits[i];
        if (::setrlimit(resource, &limit) != 0) return Step::limits;
    }
    if (launch.identity != nullptr && !become_user(*launch.identity)) return Step::identity;
    return Step::none;
}

/// In the child. Returns only when something failed, and what. Nothing but system calls.
LaunchFailure become(const Launch& launch, bool is_in_cgroup) {
    const auto fail_at = [](Step step) {
        return LaunchFailure{step, errno};
    };
    if (::setsid() < 0) return fail_at(Step::session);
    // Before descriptors are limited: those that are moved get high numbers.
    if (!place_descriptors(launch)) return fail_at(Step::descriptors);
    if (const Step failed = use_privileges(launch, is_in_cgroup); failed != Step::none)
        return fail_at(failed);
    if (launch.dies_with_us) {
        // Whoever becomes another user loses it.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // We may have died before the line above.
        if (::getppid() != launch.parent) return fail_at(Step::start);
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_at(Step::privileges);
    if (launch.directory != nullptr && ::chdir(launch.directory) != 0)
        return fail_at(Step::directory);
    if (launch.umask >= 0) ::umask(static_cast<mode_t>(launch.umask));
    if (!launch.pid_text.empty()) write_pid(launch.pid_text);
    reset_signals(launch.signals);
    ::execve(launch.program, launch.arguments, launch.environment);
    return fail_at(Step::exec);
}

/// Blocks every signal while it lives, so that no handler of ours runs in the child.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_{};
};

[[noreturn]] void live(const Launch& launch, bool is_in_cgroup) {
    const LaunchFailure failure = become(launch, is_in_cgroup);
    [[maybe_unused]] const auto told = ::write(launch.failure_pipe, &failure, sizeof failure);
    ::_exit(127);
}

// Sanitizers keep account of the stack in memory that would be shared, too; they make vfork a fork.
// How clang tells of them is another matter.
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t shared_memory_flags = CLONE_VM | CLONE_VFORK;

/// No call, which would return by an address on the stack that the child has written to meanwhile.
[[gnu::always_inline]] inline pid_t clone_like_vfork(clone_args& how) {
    long result = SYS_clone3;
    asm volatile("syscall"
                 : "+a"(result)
                 : "D"(&how), "S"(sizeof how)
                 : "rcx", "r11", "cc", "memory");
    return static_cast<pid_t>(result);
}
#else
constexpr std::uint64_t shared_memory_flags = 0;

inline pid_t clone_like_vfork(clone_args& how) {
    return static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
}
#endif

/// A vfork that is born in the group. To move there takes the kernel 10 ms and more, since it waits
/// until no processor looks at the groups of anybody. Negative: it has to move. See start_child().
[[gnu::noinline]] pid_t start_in_cgroup(const Launch& launch, int group) {
    clone_args how{};
    how.flags = CLONE_INTO_CGROUP;
    if (launch.identity == nullptr) how.flags |= shared_memory_flags;
    how.exit_signal = SIGCHLD;
    how.cgroup = static_cast<__u64>(group);
    const pid_t pid = clone_like_vfork(how);
    if (pid == 0) live(launch, true);
    return pid;
}

std::optional<pid_t> fork_into_cgroup(const Launch& launch) {
    std::string directory = launch.cgroup_procs;
    directory.erase(directory.rfind('/'));
    const int group = ::open(directory.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (group < 0) return std::nullopt;
    const pid_t pid = start_in_cgroup(launch, group);
    ::close(group);
    if (pid < 0) return std::nullopt;
    return pid;
}

/// The only function that lives in both processes, so that no local of another is clobbered.
[[gnu::noinline]] pid_t start_child(const Launch& launch) {
    // Whoever becomes another user makes the memory undumpable, which is ours too after vfork.
    const pid_t pid = launch.identity != nullptr ? ::fork() : ::vfork();
    if (pid == 0) live(launch, false);
    return pid;
}

}  // namespace

pid_t launch_child(const Launch& launch) {
    const SignalsBlocked blocked;
    if (launch.cgroup_procs != nullptr) {
        if (const auto pid = fork_into_cgroup(launch)) return *pid;
    }
    return start_child(launch);
}

}  // namespace tranter::process
