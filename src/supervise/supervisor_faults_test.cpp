#include "process/descriptor.hpp"
#include "supervise/supervisor.hpp"
#include "supervise/test_supervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/syscall.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <sstream>
#include <string>
#include <vector>

/// What the process managers that people come from do wrong.
namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class SupervisorFaultsTest : public SupervisorTest {
  public:
    /// Pids that scripts have written to a file, one to a line.
    std::vector<pid_t> pids(const std::string& file) {
        std::vector<pid_t> out;
        for (const std::string& line : lines(file))
            out.push_back(static_cast<pid_t>(std::atoi(line.c_str())));
        return out;
    }
};

/// Leaves its session and its parent, ignores what can be ignored, and notes its pid in `pids`.
constexpr const char* escapee =
    "(setsid sh -c 'trap \"\" TERM HUP INT; echo $$ >> pids; while :; do sleep 1000; done' &); ";
/// Prints "two copies" when one that was noted before still runs.
constexpr const char* check = "for pid in $(cat pids); do kill -0 $pid && echo two copies; done; ";

TEST_F(SupervisorFaultsTest, WhatForkedTwiceAndLeftItsSessionIsKilled) {
    start(app("api", std::string(escapee) + "exec sleep 1000"));
    wait_for("its child", [&] { return pids("pids").size() == 1; });
    ASSERT_TRUE(runs(pids("pids").front()));

    stop("api");

    EXPECT_FALSE(runs(pids("pids").front()));
}

TEST_F(SupervisorFaultsTest, TheOldTreeIsClearedBeforeTheRestart) {
    write("pids", "");
    const std::string child =
        "sh -c 'trap \"\" TERM; echo $$ >> pids; while :; do sleep 1000; "
        "done' & ";
    start(app("api", check + child + child + escapee + "echo $$ >> pids; wait"));
    wait_for("four processes", [&] { return pids("pids").size() == 4; });
    const std::vector<pid_t> before = pids("pids");

    ::kill(view("api").pid, SIGKILL);
    wait_for("four more", [&] { return pids("pids").size() == 8; });

    EXPECT_THAT(content("api.log"), IsEmpty());
    EXPECT_TRUE(std::ranges::none_of(before, runs));
    EXPECT_EQ(view("api").restarts, 1U);
}

TEST_F(SupervisorFaultsTest, ALostKeeperLeavesNothingBeside) {
    // They would do it in their own way.
    auto without_groups = options();
    without_groups.uses_cgroups = false;
    make(std::move(without_groups));
    write("pids", "");
    App one = app("api", std::string(check) + escapee + "echo $$ >> pids; wait; exec sleep 1000");
    one.instances = 2;
    start(one);
    wait_for("four processes", [&] { return pids("pids").size() == 4; });
    const pid_t lost = view("api", 0).pid;
    const pid_t other = view("api", 1).pid;
    const pid_t keeper = process::read_stat(lost).value_or(process::ProcessStat{}).parent;
    ASSERT_GT(keeper, 0);

    write("pids", "");
    ::kill(keeper, SIGKILL);
    wait_for("two processes", [&] { return pids("pids").size() == 2; });

    EXPECT_FALSE(runs(lost));
    EXPECT_TRUE(runs(other));
    EXPECT_EQ(view("api", 1).restarts, 0U);
    // Two instances of two processes each, and their keepers. Their shells may have a sleep each.
    const auto all = descendants_of(::getpid());
    const auto count = std::ranges::count_if(all, [](pid_t pid) {
        std::ifstream name("/proc/" + std::to_string(pid) + "/comm");
        std::string text;
        return std::getline(name, text) && text == "tranter-keeper";
    });
    EXPECT_EQ(count, 2);
}

TEST_F(SupervisorFaultsTest, ALostKeeperIsNoTroubleForTheProbesOfOthers) {
    using namespace std::chrono_literals;
    App asked = app("asked", "exec sleep 1000");
    asked.liveness = {
        .kind = Probe::Kind::exec,
        .command = {"/bin/sh", "-c", "echo $$ >> probes; exec sleep 1000"},
        .timeout = 1h,
        .failures_max = 1};
    write("probes", "");
    start(asked);
    wait_for("its probe", [&] { return pids("probes").size() == 1; });
    write("pids", "");
    start(app("lost", "echo $$ >> pids; exec sleep 1000"));
    wait_for("its start", [&] { return pids("pids").size() == 1; });
    const auto stat = process::read_stat(pids("pids").front());
    ASSERT_TRUE(stat);

    ::kill(stat->parent, SIGKILL);
    wait_for("its restart", [&] { return pids("pids").size() == 2; });

    EXPECT_TRUE(runs(pids("probes").front()));
    EXPECT_EQ(view("asked").state, State::ready) << told();
}

TEST_F(SupervisorFaultsTest, ACrashLoopWithADelayEndsAfterSoManyRestarts) {
    App one = app("api", "echo started; exit 1");
    one.restart = {.max = 3, .window = {}, .delay = 20ms, .delay_max = {}, .min_uptime = 10s};
    start(one);

    wait_for("api", State::errored);

    EXPECT_EQ(lines("api.log").size(), 4U);
    EXPECT_EQ(times("api", State::backoff), 3);
    EXPECT_EQ(view("api").note, "ended with code 1");
}

TEST_F(SupervisorFaultsTest, MemoryOfAllProcessesCounts) {
    // 64 MiB in a child, which waits to be read.
    App one = app("api", "echo $$ >> pids; head -c 64m /dev/zero | tail -c 64m | sleep 1000");
    one.limits.memory_bytes = 24 << 20;
    one.restart.max = 0;
    start(one);

    wait_for("a restart", [&] { return pids("pids").size() >= 2; });

    const Event* const unwell =
        find_event([](const Event& event) { return event.to == State::unhealthy; });
    ASSERT_NE(unwell, nullptr);
    EXPECT_THAT(unwell->cause, StartsWith("memory: "));
    EXPECT_THAT(unwell->cause, HasSubstr("limit is 24MiB"));
    stop("api");
}

TEST_F(SupervisorFaultsTest, MemoryThatProcessesShareCountsOnce) {
    App one = app("api", "");
    one.command = {
        "/usr/bin/python3",
        "-c",
        "import os, time\n"
        "kept = os.urandom(1 << 20) * 64\n"
        "any(os.fork() == 0 for _ in range(5))\n"
        "time.sleep(1000)\n"};
    one.limits.memory_bytes = 192 << 20;
    start(one);

    wait_for("the sum of what each has", [&] {
        const auto& use = view("api").use;
        return use.processes == 6 && use.memory_bytes > one.limits.memory_bytes;
    });

    EXPECT_EQ(view("api").state, State::ready);
    EXPECT_EQ(times("api", State::unhealthy), 0);
    stop("api");
}

TEST_F(SupervisorFaultsTest, WhoNeverSaysThatItIsReadyHasFailed) {
    App one = app("api", "echo $$ >> pids; exec sleep 1000");
    one.readiness = {.probe = {.kind = Probe::Kind::notify}, .limit = 50ms};
    one.restart.max = 1;
    App other = app("other", "echo never");
    other.depends_on = {{.app = "api"}};
    ASSERT_TRUE(supervisor->put({one, other}));
    ASSERT_TRUE(supervisor->start("other", "test"));

    wait_for("api", State::errored);

    EXPECT_EQ(times("api", State::ready), 0);
    EXPECT_EQ(view("api").restarts, 1U);
    EXPECT_EQ(view("api").note, "it was not ready in time");
    EXPECT_EQ(view("other").state, State::waiting);
    EXPECT_EQ(view("other").note, "waits for api");
    EXPECT_TRUE(std::ranges::none_of(pids("pids"), runs));
}

TEST_F(SupervisorFaultsTest, AnEndWithSuccessIsWhatItsAppSays) {
    App always = app("always", "exit 0");
    always.restart.max = 2;
    App on_failure = app("on_failure", "exit 0");
    on_failure.restart.when = RestartWhen::on_failure;
    App oneshot = app("oneshot", "exit 0");
    oneshot.type = AppType::oneshot;
    for (const App& one : {always, on_failure, oneshot})
        start(one);

    wait_for("rest", [&] { return supervisor->is_at_rest(); });

    EXPECT_EQ(view("always").state, State::errored);
    EXPECT_EQ(times("always", State::starting), 3);
    EXPECT_EQ(view("on_failure").state, State::stopped);
    EXPECT_EQ(view("oneshot").state, State::completed);
}

TEST_F(SupervisorFaultsTest, StubbornInstancesEndAtTheSameTime) {
    App one = app("api", "trap '' TERM; echo $$ >> pids; while :; do sleep 1000; done");
    one.instances = 6;
    one.stop.timeout = 300ms;
    start(one);
    wait_for("all of them", [&] { return pids("pids").size() == 6; });

    ASSERT_TRUE(supervisor->stop("api", "test"));
    wait_for("their end", [&] { return times("api", State::stopped) == 6; });

    // None was killed before each had been asked and had had its time.
    const auto first_end = std::ranges::find(events, State::stopped, &Event::to);
    const auto asked = std::ranges::count(events.begin(), first_end, State::stopping, &Event::to);
    EXPECT_EQ(asked, 6);
    for (std::uint32_t number = 0; number < 6; ++number)
        EXPECT_EQ(view("api", number).last_ending, (Ending{.signal = SIGKILL}));
}

TEST_F(SupervisorFaultsTest, ScalesUpAndDown) {
    start(app("api", "exec sleep 1000"));
    wait_for("api", State::ready);

    ASSERT_TRUE(supervisor->scale("api", 3));
    wait_for("three", [&] { return times("api", State::ready) == 3; });
    ASSERT_TRUE(supervisor->scale("api", 1));
    wait_for("one", [&] { return supervisor->instances().size() == 1; });

    EXPECT_EQ(supervisor->instances().at(0).state, State::ready);
    EXPECT_EQ(times("api", State::stopped), 2);
}

TEST_F(SupervisorFaultsTest, WhoHasLeastToDoIsScaledAway) {
    App one = app("api", "[ $TRANTER_INSTANCE = 1 ] || exec sleep 1000; while :; do :; done");
    one.instances = 3;
    start(one);
    wait_for("the busy one", [&] {
        const double share = view("api", 1).cpu_share;
        return share > view("api", 0).cpu_share && share > view("api", 2).cpu_share;
    });

    ASSERT_TRUE(supervisor->scale("api", 1));
    wait_for("one", [&] { return supervisor->instances().size() == 1; });

    EXPECT_EQ(view("api", 1).state, State::ready);
}

TEST_F(SupervisorFaultsTest, AReloadReplacesWhatRuns) {
    App one = app("api", "echo $PORT >> ports; exec sleep 1000");
    one.instances = 2;
    one.environment.emplace_back("PORT", "3000");
    one.increment_variable = "PORT";
    one.pid_file = path("{number}.pid");
    write("ports", "");
    start(one);
    wait_for("both", [&] { return times("api", State::ready) == 2; });
    wait_for("their ports", [&] { return lines("ports").size() == 2; });
    const std::vector<pid_t> before{view("api", 0).pid, view("api", 1).pid};

    ASSERT_TRUE(supervisor->reload("api"));
    wait_for("the reload", [&] {
        return find_event([](const Event& event) { return event.kind == Event::Kind::reloaded; });
    });

    EXPECT_EQ(
        find_event([](const Event& event) { return event.kind == Event::Kind::reloaded; })->cause,
        ""
    );
    wait_for("the end of the old ones", [&] { return supervisor->instances().size() == 2; });
    EXPECT_TRUE(std::ranges::none_of(before, runs));
    wait_for("the same ports", [&] { return lines("ports").size() == 4; });
    EXPECT_THAT(lines("ports"), UnorderedElementsAre("3000", "3001", "3000", "3001"));
    for (const std::uint32_t number : {0U, 1U}) {
        EXPECT_EQ(view("api", number).state, State::ready);
        const auto written = lines(std::to_string(number) + ".pid");
        EXPECT_THAT(written, ElementsAre(std::to_string(view("api", number).pid)));
    }
}

TEST_F(SupervisorFaultsTest, AReloadThatFailsKeepsWhatRuns) {
    App one = app("api", "exec sleep 1000");
    one.pid_file = path("pid");
    start(one);
    wait_for("api", State::ready);
    const pid_t before = view("api").pid;
    one.command = {"/bin/sh", "-c", "exit 1"};
    one.readiness.probe = {.kind = Probe::Kind::log_line, .target = "ready"};
    one.restart.when = RestartWhen::never;
    put(one);

    ASSERT_TRUE(supervisor->reload("api"));
    wait_for("the reload", [&] {
        return find_event([](const Event& event) { return event.kind == Event::Kind::reloaded; });
    });

    EXPECT_THAT(
        find_event([](const Event& event) { return event.kind == Event::Kind::reloaded; })->cause,
        HasSubstr("failed")
    );
    wait_for("one", [&] { return supervisor->instances().size() == 1; });
    EXPECT_EQ(supervisor->instances().front().pid, before);
    EXPECT_EQ(supervisor->instances().front().id.number, 0U);
    EXPECT_THAT(lines("pid"), ElementsAre(std::to_string(before)));
    EXPECT_TRUE(runs(before));
}

/// In a process that is killed: prints to `out` what an app prints.
[[noreturn]] void supervise_until_killed(int out) {
    const SteadyClock clock;
    LogWriter logs({.clock = clock});
    EventLoop loop(clock);
    Supervisor supervisor({.loop = loop, .logs = logs, .runtime_directory = "/nowhere"});
    supervisor.on_line([out](const OutputLine& line) {
        const std::string text = line.text + "\n";
        if (::write(out, text.data(), text.size()) < 0) ::_exit(1);
    });
    App app{.name = "api"};
    app.command = {
        "/bin/sh",
        "-c",
        "(setsid sh -c 'trap \"\" TERM HUP; echo $$; while :; do sleep 1000; done' &); "
        "echo $$; exec sleep 1000"};
    app.environment = {{"PATH", "/usr/bin:/bin"}};
    app.directory = "/";
    if (!supervisor.put({app}) || !supervisor.start("api", "test")) ::_exit(1);
    for (;;)
        loop.run_once(Instant::max());
}

// Forks before there are any threads, or those who look for races could not follow.
TEST(KilledSupervisorTest, NothingOutlivesIt) {
    auto pipe = process::Pipe::make();
    ASSERT_TRUE(pipe);
    const pid_t daemon = ::fork();
    if (daemon == 0) supervise_until_killed(pipe->write.get());
    pipe->write.reset();
    std::string printed;
    char byte = 0;
    while (std::ranges::count(printed, '\n') < 2 && ::read(pipe->read.get(), &byte, 1) == 1)
        printed += byte;

    ::kill(daemon, SIGKILL);

    std::istringstream pids(printed);
    int count = 0;
    for (pid_t pid = 0; pids >> pid; ++count) {
        const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
        constexpr int patience_millis = 60'000;
        EXPECT_TRUE(!handle || ::poll(&ended, 1, patience_millis) == 1) << pid;
    }
    EXPECT_EQ(count, 2);
    ::waitpid(daemon, nullptr, 0);
}

}  // namespace
}  // namespace tranter::supervise
