#include "process/run.hpp"

#include "process/orphans.hpp"
#include "process/spawn_thread.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

namespace tranter::process {
namespace {

using namespace std::chrono_literals;

RunOptions shell(std::string script) {
    RunOptions options;
    options.program.command = {"/bin/sh", "-c", std::move(script)};
    options.program.environment = {"PATH=/usr/bin:/bin"};
    options.timeout = 30s;
    return options;
}

RunReport run_ok(const RunOptions& options) {
    auto report = run(options);
    if (!report) throw std::runtime_error(report.error().message());
    return std::move(*report);
}

TEST(Run, GivesTheInputAndReadsTheOutput) {
    auto options = shell("cat; exit 3");
    options.input = "hello";
    const auto report = run_ok(options);
    EXPECT_EQ(report.output, "hello");
    EXPECT_EQ(report.exit, (Child::Exit{.code = 3}));
    EXPECT_EQ(report.ended, RunReport::Ended::by_itself);
}

TEST(Run, MovesMoreThanAPipeHoldsInBothDirections) {
    auto options = shell("cat");
    const std::string large(3'000'000, 'x');
    options.input = large;
    options.output_max = 4'000'000;
    EXPECT_EQ(run_ok(options).output, large);
}

TEST(Run, KeepsNoMoreOutputThanItMay) {
    auto options = shell("head -c 1000000 /dev/zero");
    options.output_max = 1000;
    const auto report = run_ok(options);
    EXPECT_EQ(report.output.size(), 1000U);
    EXPECT_TRUE(report.output_truncated);
}

TEST(Run, GivesTheLinesOfTheErrorOutput) {
    auto options = shell("echo one >&2; printf two >&2");
    std::vector<std::string> lines;
    options.on_error_line = [&](std::string_view line) {
        lines.emplace_back(line);
    };
    run_ok(options);
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two"}));
}

TEST(Run, BreaksLinesThatAreTooLong) {
    auto options = shell("printf abcdefg >&2");
    options.line_max = 3;
    std::vector<std::string> lines;
    options.on_error_line = [&](std::string_view line) {
        lines.emplace_back(line);
    };
    run_ok(options);
    EXPECT_EQ(lines, (std::vector<std::string>{"abc", "def", "g"}));
}

TEST(Run, OutlivesAProgramThatDoesNotReadItsInput) {
    auto options = shell("exec 0</dev/null; exit 0");
    const std::string large(1'000'000, 'x');
    options.input = large;
    const auto report = run_ok(options);
    EXPECT_EQ(report.exit.code, 0);
}

TEST(Run, SaysWhichSignalEndedTheProgram) {
    const auto report = run_ok(shell("kill -SEGV $$"));
    EXPECT_EQ(report.exit.signal, SIGSEGV);
}

TEST(Run, EndsAProgramThatTakesTooLong) {
    auto options = shell("echo begun; sleep 600");
    options.timeout = 50ms;
    const auto report = run_ok(options);
    EXPECT_EQ(report.ended, RunReport::Ended::timed_out);
    EXPECT_EQ(report.exit.signal, SIGTERM);
}

TEST(Run, KillsAProgramThatIgnoresTheRequestToEnd) {
    auto options = shell("trap '' TERM; while :; do sleep 600; done");
    options.timeout = 50ms;
    options.grace = 50ms;
    const auto report = run_ok(options);
    EXPECT_EQ(report.ended, RunReport::Ended::timed_out);
    EXPECT_EQ(report.exit.signal, SIGKILL);
}

TEST(Run, EndsAProgramThatIsStoppedByASignal) {
    auto options = shell("kill -STOP $$; exit 0");
    options.timeout = 50ms;
    const auto report = run_ok(options);
    EXPECT_EQ(report.ended, RunReport::Ended::timed_out);
}

TEST(Run, EndsWhenItIsToldTo) {
    std::stop_source source;
    auto options = shell("echo ready >&2; sleep 600");
    options.stop = source.get_token();
    options.on_error_line = [&](std::string_view) {
        source.request_stop();
    };
    EXPECT_EQ(run_ok(options).ended, RunReport::Ended::stopped);
}

TEST(Run, LeavesNothingOfTheGroupBehind) {
    std::string pid;
    auto options = shell("sleep 600 & echo $! >&2; exit 0");
    options.on_error_line = [&](std::string_view line) {
        pid = line;
    };
    run_ok(options);
    ASSERT_FALSE(pid.empty());
    // SIGKILL was sent before run() returned, but a process takes a moment to end.
    const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(pid), 0)));
    if (!handle) {
        EXPECT_EQ(errno, ESRCH);
        return;
    }
    pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&ended, 1, 60'000), 1) << "process " << pid << " is still there";
}

TEST(Run, KnowsOnlyTheEnvironmentThatItIsGiven) {
    ::setenv("TRANTER_TEST_SECRET", "hidden", 1);
    RunOptions options;
    options.program.command = {"env"};
    options.program.environment = {"PATH=/usr/bin:/bin", "GIVEN=1"};
    EXPECT_EQ(run_ok(options).output, "PATH=/usr/bin:/bin\nGIVEN=1\n");
}

TEST(Run, InheritsNoOtherDescriptor) {
    const auto leaked = Pipe::make();
    ASSERT_TRUE(leaked);
    ::fcntl(leaked->read.get(), F_SETFD, 0);
    const auto report = run_ok(shell("ls /proc/$$/fd"));
    EXPECT_EQ(report.output, "0\n1\n2\n");
}

/// Lets this process open no more than `count` descriptors from now on, until it goes.
class FewDescriptors {
  public:
    explicit FewDescriptors(int count) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit few = before_;
        // The kernel gives the lowest number that is free.
        std::vector<Descriptor> holes;
        for (int i = 0; i < count; ++i)
            holes.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        const Descriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        few.rlim_cur = static_cast<rlim_t>(next.get());
        ::setrlimit(RLIMIT_NOFILE, &few);
    }
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    FewDescriptors(const FewDescriptors&) = delete;
    FewDescriptors& operator=(const FewDescriptors&) = delete;

  private:
    rlimit before_{};
};

TEST(Run, SaysWhichDescriptorsAreMissingAndLeavesNothingBehind) {
    auto options = shell("exit 0");
    SpawnThread starter;
    int refused = 0;
    bool ran = false;
    for (int count = 0; !ran; ++count) {
        ASSERT_LT(count, 30);
        const FewDescriptors few(count);
        const auto report = run(options);
        ran = report.has_value();
        if (ran) continue;
        ++refused;
        EXPECT_EQ(report.error().code(), Errc::unavailable) << report.error().message();
        EXPECT_NE(report.error().message().find("Too many open files"), std::string::npos);
        EXPECT_TRUE(list_children().empty()) << report.error().message();
        // Nor does the thread end that starts the long-lived ones.
        if (auto child = starter.spawn(options.program)) child->wait();
    }
    EXPECT_GT(refused, 8);  // the event, three pipes and what spawn() needs
}

TEST(Run, CannotGainPrivileges) {
    EXPECT_EQ(run_ok(shell("grep NoNewPrivs /proc/self/status")).output, "NoNewPrivs:\t1\n");
}

TEST(Run, LimitsMemory) {
    auto options = shell("head -c 400000000 /dev/zero | tail -c 399999999 | wc -c");
    options.program.limits.memory_bytes = 64U << 20U;
    EXPECT_NE(run_ok(options).output, "399999999\n");
}

TEST(Run, StartsInTheDirectoryThatItIsGiven) {
    auto options = shell("pwd");
    options.program.directory = "/usr";
    EXPECT_EQ(run_ok(options).output, "/usr\n");
}

TEST(Spawn, SaysWhyAProgramCannotStart) {
    const auto failure = [](std::vector<std::string> command, std::string directory = {}) {
        const auto child =
            spawn({.command = std::move(command), .directory = std::move(directory)});
        return child ? std::string("started") : child.error().message();
    };
    EXPECT_EQ(
        failure({"/nonexistent/program"}),
        "/nonexistent/program cannot be started: No such file or directory"
    );
    EXPECT_EQ(
        failure({"no-such-program"}), "no-such-program cannot be started: No such file or directory"
    );
    EXPECT_EQ(failure({"/etc/passwd"}), "/etc/passwd cannot be started: Permission denied");
    EXPECT_EQ(
        failure({"/bin/true"}, "/nonexistent"),
        "/bin/true cannot be started in /nonexistent: No such file or directory"
    );
    EXPECT_EQ(failure({}), "the command is empty, it names a program at least");
    EXPECT_EQ(
        failure({"/bin/true", std::string("a\0b", 3)}),
        "an argument or variable of /bin/true has a zero byte"
    );
}

TEST(Orphans, TellWhenTheyWereStarted) {
    const std::uint64_t begin = ticks_now();
    std::uint64_t started = 0;
    std::stop_source source;
    auto options = shell("echo $$ >&2; sleep 600");
    options.stop = source.get_token();
    options.on_error_line = [&](std::string_view line) {
        started = start_ticks(std::stoi(std::string(line)));
        source.request_stop();
    };
    run_ok(options);
    EXPECT_GE(started, begin);
    EXPECT_LE(started, ticks_now());
    EXPECT_EQ(start_ticks(0), 0U);
}

/// Adopts orphans for the time of a test: what later ones leave would become our children too.
class Adopting {
  public:
    Adopting() { EXPECT_TRUE(adopt_orphans()); }
    ~Adopting() {
        ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
        kill_orphans([](pid_t) { return true; });
        while (::waitpid(-1, nullptr, 0) > 0) {
        }
    }
    Adopting(const Adopting&) = delete;
    Adopting& operator=(const Adopting&) = delete;
};

TEST(Orphans, AreFoundByTheirMarkAndKilled) {
    const Adopting adopting;
    std::stop_source source;
    auto options = shell("setsid sh -c 'echo away >&2; sleep 600 & sleep 600' & sleep 600");
    options.program.environment.emplace_back("TRANTER_TEST_MARK=orphan");
    options.stop = source.get_token();
    options.on_error_line = [&](std::string_view) {
        source.request_stop();
    };
    run_ok(options);
    const auto is_ours = [](pid_t pid) {
        return initial_variable(pid, "TRANTER_TEST_MARK") == "orphan";
    };
    EXPECT_GE(kill_orphans(is_ours), 1U);
    for (const pid_t pid : list_children())
        EXPECT_FALSE(is_ours(pid));
}

}  // namespace
}  // namespace tranter::process
