#include "process/spawn.hpp"

#include "process/environment.hpp"
#include "process/launch.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace tranter::process {
namespace {

using Step = LaunchFailure::Step;

/// Of what a program inherits; the kernel allows a thousand unless somebody has raised that.
constexpr int descriptor_number_max = 999;

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (const std::string& text : texts)
        out.push_back(const_cast<char*>(text.c_str()));  // exec does not write to them
    out.push_back(nullptr);
    return out;
}

/// The path to execute: the name itself when it has a slash or is nowhere in PATH.
std::string path_of_program(const SpawnOptions& options) {
    const std::string& name = options.command.front();
    if (name.contains('/')) return name;
    std::string found = find_program(name, options.environment);
    return found.empty() ? name : found;
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

/// Follows "cannot be started".
std::string what_failed(const SpawnOptions& options, Step step) {
    switch (step) {
        case Step::directory:
            return " in " + options.directory;
        case Step::limits:
            return " with its limits";
        case Step::nice:
            return " with nice " + std::to_string(options.nice);
        case Step::cgroup:
            return " in the group of " + options.cgroup_procs;
        case Step::identity:
            return options.identity ? " as user " + std::to_string(options.identity->user) +
                                          ", group " + std::to_string(options.identity->group)
                                    : "";
        default:
            return "";
    }
}

std::unexpected<Error> cannot_start(const SpawnOptions& options, const LaunchFailure& failure) {
    return fail(
        code_of(failure.error),
        options.command.front() + " cannot be started" + what_failed(options, failure.step) + ": " +
            std::strerror(failure.error)
    );
}

void note_limit(Launch& launch, __rlimit_resource_t resource, std::uint64_t value) {
    if (value != 0) launch.limits[launch.limit_count++] = {resource, {value, value}};
}

void note_open_files(Launch& launch, const ResourceLimits& limits) {
    note_limit(launch, RLIMIT_NOFILE, limits.open_files);
    rlimit ours{};
    if (limits.open_files != 0 || limits.open_files_soft == 0 ||
        ::getrlimit(RLIMIT_NOFILE, &ours) != 0)
        return;
    const rlim_t soft = std::min<rlim_t>(limits.open_files_soft, ours.rlim_max);
    launch.limits[launch.limit_count++] = {RLIMIT_NOFILE, {soft, ours.rlim_max}};
}

/// Nothing failed when the pipe was closed by exec.
LaunchFailure read_failure(Pipe pipe, Descriptor writes) {
    pipe.write.reset();
    writes.reset();
    LaunchFailure failure;
    ssize_t got = 0;
    do {
        got = ::read(pipe.read.get(), &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    return got == sizeof failure ? failure : LaunchFailure{};
}

Result<> check(const SpawnOptions& options) {
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
    std::vector<int> numbers;
    for (const auto& [ours, number] : options.descriptors) {
        if (number < 3 || number > descriptor_number_max ||
            std::ranges::count(numbers, number) > 0) {
            return fail(
                Errc::invalid_argument,
                "descriptor " + std::to_string(number) + " of " + options.command.front() +
                    " has to be one of 3 to " + std::to_string(descriptor_number_max) +
                    " and may be given once"
            );
        }
        numbers.push_back(number);
    }
    return {};
}

/// What becomes which descriptor of the program.
std::vector<Launch::Placed> places(const SpawnOptions& options, int null) {
    std::vector<Launch::Placed> out{{options.input, 0}, {options.output, 1}, {options.errors, 2}};
    for (const auto& [ours, number] : options.descriptors)
        out.push_back({ours, number});
    for (Launch::Placed& one : out) {
        if (one.ours < 0) one.ours = null;
    }
    return out;
}

/// Room for the pid behind the name.
std::string pid_variable_of(const SpawnOptions& options) {
    constexpr std::size_t digits_max = 10;
    return options.pid_variable + "=" + std::string(digits_max + 1, '\0');
}

}  // namespace

Result<Child> spawn(const SpawnOptions& options) {
    if (auto fine = check(options); !fine) return std::unexpected(fine.error());
    const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const std::string program = path_of_program(options);
    const auto arguments = pointers(options.command);
    auto environment = pointers(options.environment);
    auto descriptors = places(options, null.get());
    std::string pid_variable;

    Launch launch;
    launch.program = program.c_str();
    launch.directory = options.directory.empty() ? nullptr : options.directory.c_str();
    launch.arguments = arguments.data();
    if (!options.pid_variable.empty()) {
        pid_variable = pid_variable_of(options);
        environment.insert(environment.end() - 1, pid_variable.data());
        launch.pid_text = std::span(pid_variable).subspan(options.pid_variable.size() + 1);
    }
    launch.environment = environment.data();
    launch.descriptors = descriptors;
    launch.descriptor_max = std::ranges::max(descriptors, {}, &Launch::Placed::number).number;
    if (options.identity) launch.identity = &*options.identity;
    if (!options.cgroup_procs.empty()) launch.cgroup_procs = options.cgroup_procs.c_str();
    launch.nice = options.nice;
    launch.umask = options.umask;
    launch.dies_with_us = options.dies_with_us;
    launch.parent = ::getpid();
    ::sigemptyset(&launch.signals);
    note_limit(launch, RLIMIT_AS, options.limits.memory_bytes);
    note_limit(launch, RLIMIT_CPU, options.limits.cpu_seconds);
    note_open_files(launch, options.limits);
    note_limit(launch, RLIMIT_NPROC, options.limits.processes);

    auto failures = Pipe::make();
    if (!failures) return std::unexpected(std::move(failures.error()));
    // Out of the way of those that the program gets.
    Descriptor tells(::fcntl(failures->write.get(), F_DUPFD_CLOEXEC, launch.descriptor_max + 1));
    if (!null || !tells) return cannot_start(options, {Step::descriptors, errno});
    launch.failure_pipe = tells.get();
    Child child;
    child.pid_ = launch_child(launch);
    if (child.pid_ < 0) return cannot_start(options, {Step::fork, errno});
    if (const LaunchFailure failure = read_failure(std::move(*failures), std::move(tells));
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
        return cannot_start(options, {Step::descriptors, error});
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
