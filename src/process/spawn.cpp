#include "process/spawn.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

namespace tranter::process {
namespace {

/// Everything that the child needs between vfork and exec, where nothing may be allocated.
struct Launch {
    const char* program = nullptr;
    const char* directory = nullptr;
    char* const* arguments = nullptr;
    char* const* environment = nullptr;
    std::array<int, 3> descriptors{};
    std::array<std::pair<__rlimit_resource_t, rlim_t>, 4> limits{};
    std::size_t limit_count = 0;
    bool dies_with_us = true;
    pid_t parent = 0;
    sigset_t signals{};     // to block in the program
    int failure_pipe = -1;  // takes a Failure; closed by exec
};

/// What failed in the child. Sent and not shared: a sanitizer makes vfork a fork.
struct Failure {
    enum class Step : int {
        none,
        fork,
        start,
        session,
        privileges,
        descriptors,
        directory,
        limits,
        exec
    };
    Step step = Step::none;
    int error = 0;
};

/// Makes `descriptors` 0, 1 and 2. Each is first moved out of the way of the others.
bool place_descriptors(std::array<int, 3> descriptors) {
    for (int& fd : descriptors) {
        fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0) return false;
    }
    for (int i = 0; i < 3; ++i) {
        if (::dup2(descriptors[static_cast<std::size_t>(i)], i) < 0) return false;
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

/// In the child. Returns only when something failed, and what. Nothing but system calls.
Failure become(const Launch& launch) {
    using Step = Failure::Step;
    const auto fail_at = [](Step step) {
        return Failure{step, errno};
    };
    if (::setsid() < 0) return fail_at(Step::session);
    if (launch.dies_with_us) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // We may have died before the line above.
        if (::getppid() != launch.parent) return fail_at(Step::start);
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_at(Step::privileges);
    if (!place_descriptors(launch.descriptors)) return fail_at(Step::descriptors);
    ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
    if (launch.directory != nullptr && ::chdir(launch.directory) != 0)
        return fail_at(Step::directory);
    for (std::size_t i = 0; i < launch.limit_count; ++i) {
        const rlimit limit{launch.limits[i].second, launch.limits[i].second};
        if (::setrlimit(launch.limits[i].first, &limit) != 0) return fail_at(Step::limits);
    }
    reset_signals(launch.signals);
    ::execve(launch.program, launch.arguments, launch.environment);
    return fail_at(Step::exec);
}

/// The only function that lives in both processes, so that no local of another is clobbered.
[[gnu::noinline]] pid_t launch_child(const Launch& launch) {
    const pid_t pid = ::vfork();
    if (pid == 0) {
        const Failure failure = become(launch);
        [[maybe_unused]] const auto told = ::write(launch.failure_pipe, &failure, sizeof failure);
        ::_exit(127);
    }
    return pid;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (const std::string& text : texts)
        out.push_back(const_cast<char*>(text.c_str()));  // exec does not write to them
    out.push_back(nullptr);
    return out;
}

bool is_program(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
}

std::string_view variable(const std::vector<std::string>& environment, std::string_view name) {
    for (const std::string_view one : environment) {
        if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=') {
            return one.substr(name.size() + 1);
        }
    }
    return {};
}

/// The path to execute: the name itself when it has a slash or is nowhere in PATH.
std::string find_program(const SpawnOptions& options) {
    const std::string& name = options.command.front();
    if (name.contains('/')) return name;
    std::string_view path = variable(options.environment, "PATH");
    if (path.empty()) path = "/usr/local/bin:/usr/bin:/bin";
    while (!path.empty()) {
        const std::size_t end = std::min(path.find(':'), path.size());
        std::string candidate = std::string(path.substr(0, end)) + "/" + name;
        if (end > 0 && is_program(candidate)) return candidate;
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return name;
}

Errc code_of(int error) {
    switch (error) {
        case ENOENT:
            return Errc::not_found;
        case EACCES:
        case EPERM:
            return Errc::permission_denied;
        case E2BIG:
        case ENOEXEC:
        case ENOTDIR:
        case EINVAL:
            return Errc::invalid_argument;
        default:
            return Errc::unavailable;
    }
}

std::unexpected<Error> cannot_start(const SpawnOptions& options, const Failure& failure) {
    std::string text = options.command.front() + " cannot be started";
    if (failure.step == Failure::Step::directory) text += " in " + options.directory;
    if (failure.step == Failure::Step::limits) text += " with its limits";
    return fail(code_of(failure.error), text + ": " + std::strerror(failure.error));
}

void note_limit(Launch& launch, __rlimit_resource_t resource, std::uint64_t value) {
    if (value != 0) launch.limits[launch.limit_count++] = {resource, value};
}

/// Nothing failed when the pipe was closed by exec.
Failure read_failure(Pipe pipe, Descriptor writes) {
    pipe.write.reset();
    writes.reset();
    Failure failure;
    ssize_t got = 0;
    do {
        got = ::read(pipe.read.get(), &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    return got == sizeof failure ? failure : Failure{};
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

}  // namespace

Result<Child> spawn(const SpawnOptions& options) {
    if (options.command.empty() || options.command.front().empty()) {
        return fail(Errc::invalid_argument, "the command is empty, it names a program at least");
    }
    for (const auto* texts : {&options.command, &options.environment}) {
        for (const std::string& text : *texts) {
            if (text.contains('\0')) {
                return fail(
                    Errc::invalid_argument,
                    "an argument or variable of " + options.command.front() + " has a zero byte"
                );
            }
        }
    }
    const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const auto or_null = [&](int fd) {
        return fd >= 0 ? fd : null.get();
    };
    const std::string program = find_program(options);
    const auto arguments = pointers(options.command);
    const auto environment = pointers(options.environment);

    Launch launch;
    launch.program = program.c_str();
    launch.directory = options.directory.empty() ? nullptr : options.directory.c_str();
    launch.arguments = arguments.data();
    launch.environment = environment.data();
    launch.descriptors = {or_null(options.input), or_null(options.output), or_null(options.errors)};
    launch.dies_with_us = options.dies_with_us;
    launch.parent = ::getpid();
    ::sigemptyset(&launch.signals);
    note_limit(launch, RLIMIT_AS, options.limits.memory_bytes);
    note_limit(launch, RLIMIT_CPU, options.limits.cpu_seconds);
    note_limit(launch, RLIMIT_NOFILE, options.limits.open_files);
    note_limit(launch, RLIMIT_NPROC, options.limits.processes);

    auto failures = Pipe::make();
    if (!failures) return std::unexpected(std::move(failures.error()));
    // Out of the way of the three that the program gets.
    Descriptor tells(::fcntl(failures->write.get(), F_DUPFD_CLOEXEC, 3));
    if (!null || !tells) return cannot_start(options, {Failure::Step::descriptors, errno});
    launch.failure_pipe = tells.get();
    Child child;
    {
        const SignalsBlocked blocked;
        child.pid_ = launch_child(launch);
    }
    if (child.pid_ < 0) return cannot_start(options, {Failure::Step::fork, errno});
    if (const Failure failure = read_failure(std::move(*failures), std::move(tells));
        failure.error != 0) {
        child.wait();
        return cannot_start(options, failure);
    }
    child.group_ = RunningGroup(child.pid_);
    child.pidfd_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.pid_, 0)));
    if (!child.pidfd_) {
        // Nobody would see its end.
        const int error = errno;
        child.signal_group(SIGKILL);
        child.wait();
        return cannot_start(options, {Failure::Step::descriptors, error});
    }
    return child;
}

std::string signal_name(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return "SIG" + (name != nullptr ? std::string(name) : std::to_string(signal));
}

void Child::signal_group(int signal) const {
    if (pid_ > 0 && !exit_) ::kill(-pid_, signal);
}

void Child::signal(int number) const {
    if (pidfd_) {
        ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
    } else if (pid_ > 0 && !exit_) {
        ::kill(pid_, number);
    }
}

Child::Exit Child::take(int wait_options, bool& ended) {
    siginfo_t info{};
    int result = 0;
    do {
        result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | wait_options);
    } while (result != 0 && errno == EINTR);
    ended = result != 0 || info.si_pid != 0;
    if (ended) group_.leave();
    if (result != 0) return {.code = 255};  // somebody else has waited for it
    if (info.si_code == CLD_EXITED) return {.code = info.si_status};
    return {.signal = info.si_status, .core_dumped = info.si_code == CLD_DUMPED};
}

std::optional<Child::Exit> Child::poll() {
    if (exit_ || pid_ == 0) return exit_;
    bool ended = false;
    const Exit exit = take(WNOHANG, ended);
    if (ended) exit_ = exit;
    return exit_;
}

Child::Exit Child::wait() {
    if (exit_) return *exit_;
    bool ended = false;
    exit_ = take(0, ended);
    return *exit_;
}

}  // namespace tranter::process
