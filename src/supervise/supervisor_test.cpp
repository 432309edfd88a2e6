#include "supervise/supervisor.hpp"

#include "supervise/test_supervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

TEST_F(SupervisorTest, WhatCrashesRunsAgain) {
    start(app("api", "exec sleep 1000"));
    wait_for("api", State::ready);
    const InstanceView before = view("api");
    ASSERT_GT(before.pid, 0);

    ::kill(before.pid, SIGKILL);
    wait_for("another process", [&] {
        const InstanceView now = view("api");
        return now.state == State::ready && now.pid != before.pid;
    });

    EXPECT_FALSE(runs(before.pid));
    EXPECT_EQ(view("api").restarts, 1U);
    EXPECT_GE(view("api").started_at, before.started_at);
    const Event* const exited =
        find_event([](const Event& event) { return event.to == State::exited; });
    ASSERT_NE(exited, nullptr);
    EXPECT_EQ(exited->ending, (Ending{.signal = SIGKILL}));
    EXPECT_EQ(exited->cause, "ended by signal 9");
}

TEST_F(SupervisorTest, WhatIsStoppedIsGone) {
    start(app("api", "exec sleep 1000"));
    wait_for("api", State::ready);
    const pid_t pid = view("api").pid;
    EXPECT_FALSE(supervisor->is_at_rest());

    stop("api");

    EXPECT_FALSE(runs(pid));
    EXPECT_TRUE(supervisor->is_at_rest());
    EXPECT_EQ(view("api").pid, 0);
    EXPECT_EQ(view("api").last_ending, (Ending{.signal = SIGTERM}));
    EXPECT_EQ(view("api").restarts, 0U);
}

TEST_F(SupervisorTest, NamesThatAreNotThereAreNotFound) {
    EXPECT_EQ(supervisor->start("api", "test").error().code(), Errc::not_found);
    EXPECT_EQ(supervisor->stop("api", "test").error().code(), Errc::not_found);
    EXPECT_EQ(supervisor->restart("api", "test").error().code(), Errc::not_found);
    EXPECT_EQ(supervisor->reload("api").error().code(), Errc::not_found);
    EXPECT_EQ(supervisor->scale("api", 2).error().code(), Errc::not_found);
    EXPECT_EQ(supervisor->remove("api").error().code(), Errc::not_found);
    EXPECT_EQ(supervisor->reset("api").error().code(), Errc::not_found);
    EXPECT_EQ(supervisor->flush_logs("api").error().code(), Errc::not_found);
    EXPECT_EQ(supervisor->signal("api", SIGTERM).error().code(), Errc::not_found);
}

TEST_F(SupervisorTest, WhoDependsOnAnotherStartsAfterIt) {
    App migration = app("migration", "sleep 0.05; echo done > migration");
    migration.type = AppType::oneshot;
    App api = app("api", "cat migration; exec sleep 1000");
    api.depends_on = {
        {.app = "migration", .condition = Dependency::Condition::completed_successfully}};
    std::vector<App> apps{api, migration};
    ASSERT_TRUE(supervisor->put(apps));

    ASSERT_TRUE(supervisor->start("api", "test"));
    EXPECT_EQ(view("api").state, State::waiting);
    EXPECT_EQ(view("api").note, "waits for migration");
    wait_for("api", State::ready);

    EXPECT_EQ(view("migration").state, State::completed);
    wait_for_line("api.log", "done");
    supervisor->stop_all("test");
    wait_for("rest", [&] { return supervisor->is_at_rest(); });
}

TEST_F(SupervisorTest, SaysWhyAProgramCannotBeStarted) {
    App one = app("api", "");
    one.command = {"/nowhere/program"};
    one.restart.max = 2;

    start(one);
    wait_for("api", State::errored);

    EXPECT_THAT(view("api").note, HasSubstr("/nowhere/program"));
    EXPECT_EQ(view("api").restarts, 2U);
}

TEST_F(SupervisorTest, ADirectoryThatIsNotThereIsSaid) {
    App one = app("api", "echo never");
    one.directory = "/nowhere";
    one.restart.when = RestartWhen::never;

    start(one);
    wait_for("api", State::errored);

    EXPECT_THAT(view("api").note, HasSubstr("/nowhere"));
}

TEST_F(SupervisorTest, WithoutDescriptorsItIsTriedAgain) {
    put(app("api", "exec sleep 1000"));
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit none = before;
    none.rlim_cur = 0;

    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    ASSERT_TRUE(supervisor->start("api", "test"));
    loop.run_once(clock.now());
    loop.run_once(clock.now());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    const Event* const tried =
        find_event([](const Event& event) { return event.from == State::starting; });
    ASSERT_NE(tried, nullptr);
    EXPECT_THAT(tried->cause, HasSubstr("Too many open files"));

    wait_for("api", State::ready);
}

TEST_F(SupervisorTest, AppsMayOpenWhatTheySayOrWhatIsUsual) {
    rlimit ours{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &ours), 0);
    auto with_limit = options();
    with_limit.open_files = 123;
    make(std::move(with_limit));
    const std::string says = "ulimit -Sn; ulimit -Hn; exec sleep 1000";
    App other = app("other", says);
    other.limits.open_files = 77;

    start(app("usual", says));
    start(other);
    wait_for("what they say", [&] {
        return lines("usual.log").size() == 2 && lines("other.log").size() == 2;
    });

    EXPECT_EQ(lines("usual.log"), (std::vector<std::string>{"123", std::to_string(ours.rlim_max)}));
    EXPECT_EQ(lines("other.log"), (std::vector<std::string>{"77", "77"}));
}

TEST_F(SupervisorTest, AnInstanceKnowsWhichItIs) {
    App one =
        app("api",
            "env > env$TRANTER_INSTANCE.tmp; mv env$TRANTER_INSTANCE.tmp "
            "env$TRANTER_INSTANCE; exec sleep 1000");
    one.instances = 2;
    one.environment.emplace_back("PORT", "3000");
    one.environment.emplace_back("NAME", "a=b");
    one.increment_variable = "PORT";
    start(one);
    wait_for("both", [&] {
        return std::filesystem::exists(path("env0")) && std::filesystem::exists(path("env1"));
    });

    EXPECT_THAT(lines("env0"), IsSupersetOf({"TRANTER_INSTANCE=0", "PORT=3000", "NAME=a=b"}));
    EXPECT_THAT(lines("env1"), IsSupersetOf({"TRANTER_INSTANCE=1", "PORT=3001", "NAME=a=b"}));
    EXPECT_THAT(lines("env1"), Not(Contains(HasSubstr("pm_id="))));
}

TEST_F(SupervisorTest, AProgramForPm2FindsWhatItLooksFor) {
    put(app("other", "exit 0"));
    App one = app("api", "env > env.tmp; mv env.tmp env; exec sleep 1000");
    one.number_variable = "NODE_APP_INSTANCE";
    one.environment.emplace_back("name", "of somebody else");
    start(one);
    wait_for("its environment", [&] { return std::filesystem::exists(path("env")); });

    EXPECT_THAT(
        lines("env"),
        IsSupersetOf({"NODE_APP_INSTANCE=0", "TRANTER_INSTANCE=0", "pm_id=1", "name=api"})
    );
}

TEST_F(SupervisorTest, EachInstanceHasAKeyThatStays) {
    App one = app("api", "exec sleep 1000");
    one.instances = 2;
    put(app("first", "exit 0"));
    start(one);
    wait_for("api", State::ready, 1);
    EXPECT_EQ(view("first").state, State::stopped);
    EXPECT_EQ(view("first").key, 0U);
    EXPECT_EQ(view("api", 1).key, 2U);

    const pid_t before = view("api", 1).pid;
    ASSERT_TRUE(supervisor->restart("api", "test"));
    wait_for("another process", [&] {
        return view("api", 1).state == State::ready && view("api", 1).pid != before;
    });

    EXPECT_EQ(view("api", 0).key, 1U);
    EXPECT_EQ(view("api", 1).key, 2U);
}

TEST_F(SupervisorTest, ASignalGoesToTheLeader) {
    start(app("api", "trap 'echo got it' USR1; echo up; while :; do sleep 0.01; done"));
    wait_for_line("api.log", "up");

    ASSERT_TRUE(supervisor->signal("api", SIGUSR1));
    wait_for_line("api.log", "got it");

    EXPECT_EQ(view("api").state, State::ready);
    EXPECT_EQ(supervisor->signal("api", 0).error().code(), Errc::invalid_argument);
    EXPECT_EQ(supervisor->signal("api", 1000).error().code(), Errc::invalid_argument);
}

TEST_F(SupervisorTest, AResetForgetsRestarts) {
    App one = app("api", "exit 1");
    one.restart.max = 3;
    start(one);
    wait_for("api", State::errored);
    EXPECT_EQ(view("api").restarts, 3U);
    EXPECT_EQ(view("api").unstable_restarts, 3U);

    ASSERT_TRUE(supervisor->reset("api"));

    EXPECT_EQ(view("api").restarts, 0U);
    EXPECT_EQ(view("api").unstable_restarts, 0U);
    EXPECT_EQ(view("api").state, State::errored);
}

TEST_F(SupervisorTest, WhatIsRemovedIsGoneAndMayComeAgain) {
    start(app("api", "exec sleep 1000"));
    wait_for("api", State::ready);

    ASSERT_TRUE(supervisor->remove("api"));
    wait_for("its removal", [&] {
        return find_event([](const Event& event) { return event.kind == Event::Kind::removed; });
    });

    EXPECT_EQ(supervisor->find("api"), nullptr);
    EXPECT_TRUE(supervisor->instances().empty());
    start(app("api", "exec sleep 1000"));
    wait_for("api", State::ready);
}

TEST_F(SupervisorTest, EventsCanBeAskedForFromAnyOneOn) {
    start(app("api", "exec sleep 1000"));
    wait_for("api", State::ready);
    const std::uint64_t last = supervisor->events_after(0).back().number;

    stop("api");
    const auto since = supervisor->events_after(last);

    std::vector<State> states;
    for (const Event& event : since)
        states.push_back(event.to);
    EXPECT_THAT(states, ElementsAre(State::stopping, State::stopped));
    EXPECT_EQ(since.front().number, last + 1);
    EXPECT_EQ(since.front().cause, "test");
    EXPECT_EQ(supervisor->events_after(0).size(), events.size());
}

TEST_F(SupervisorTest, WhoIsToldMayWantSomethingElse) {
    supervisor->on_event([&](const Event& event) {
        if (event.to != State::ready) return;
        EXPECT_TRUE(supervisor->remove("api"));
    });

    start(app("api", "exec sleep 1000"));
    wait_for("its removal", [&] { return supervisor->find("api") == nullptr; });

    EXPECT_EQ(events.back().kind, Event::Kind::removed);
}

TEST_F(SupervisorTest, RestartsAtMomentsOfACronExpression) {
    auto with_cron = options();
    int asked = 0;
    with_cron.next_cron = [&](std::string_view cron, Instant after) -> std::optional<Instant> {
        if (cron != "* * * * *") return std::nullopt;
        return after + (++asked <= 2 ? Duration(1ms) : Duration(1h));
    };
    make(std::move(with_cron));
    App one = app("api", "exec sleep 1000");
    one.restart_cron = "never";
    EXPECT_EQ(supervisor->put({one}).error().code(), Errc::invalid_argument);
    one.restart_cron = "* * * * *";

    // Also when it does not run: that is how jobs are done with it.
    put(one);
    wait_for("api", State::ready);

    EXPECT_EQ(
        find_event([](const Event& event) { return event.to == State::starting; })->cause,
        "restart_cron"
    );
}

TEST_F(SupervisorTest, RestartsWhenAFileChanges) {
    std::filesystem::create_directories(path("source"));
    App one = app("api", "exec sleep 1000");
    one.watched = {path("source")};
    one.watch_delay = 1ms;
    start(one);
    wait_for("api", State::ready);
    const pid_t before = view("api").pid;

    write("source/main.js", "changed");
    wait_for("another process", [&] {
        return view("api").state == State::ready && view("api").pid != before;
    });

    const Event* const watched =
        find_event([](const Event& event) { return event.kind == Event::Kind::watch; });
    ASSERT_NE(watched, nullptr);
    EXPECT_THAT(watched->cause, HasSubstr("main.js"));
    stop("api");
    write("source/main.js", "changed again");
    loop.run_once(clock.now());
    EXPECT_EQ(view("api").state, State::stopped);
}

TEST_F(SupervisorTest, FilesAreWatchedAsLongAsAnInstanceIsWanted) {
    std::filesystem::create_directories(path("source"));
    App one = app("api", "exec sleep 1000");
    one.instances = 2;
    one.watched = {path("source")};
    one.watch_delay = 1ms;
    start(one);
    wait_for("api", State::ready, 0);
    wait_for("api", State::ready, 1);

    ASSERT_TRUE(supervisor->stop("api", "test", 0));
    wait_for("api", State::stopped, 0);
    write("source/main.js", "changed");
    wait_for("api", State::ready, 0);
    wait_for("api", State::ready, 1);
    for (const std::uint32_t number : {0U, 1U}) {
        ASSERT_TRUE(supervisor->stop("api", "test", number));
        wait_for("api", State::stopped, number);
    }

    // Which a watch would not let it be.
    EXPECT_TRUE(supervisor->is_at_rest());
}

TEST_F(SupervisorTest, WhoIsReplacedIsShownWithTheNumberThatItWasTold) {
    App one = app("api", "exec sleep 1000");
    one.readiness.probe = {.kind = Probe::Kind::exec, .command = {"test", "-e", "well"}};
    one.readiness.probe.period = 5ms;
    write("well", "");
    start(one);
    wait_for("api", State::ready);
    EXPECT_FALSE(view("api").own_number);

    std::filesystem::remove(path("well"));
    ASSERT_TRUE(supervisor->reload("api"));
    EXPECT_EQ(view("api", 1).state, State::ready);
    EXPECT_EQ(view("api", 1).own_number, 0U);
    EXPECT_FALSE(view("api", 0).own_number);
}

TEST_F(SupervisorTest, WhoIsNotWellIsStartedAnew) {
    write("well", "");
    App one = app("api", "exec sleep 1000");
    one.liveness = {
        .kind = Probe::Kind::exec,
        .command = {"test", "-e", "well"},
        .period = 5ms,
        .timeout = 30s,
        .failures_max = 2};
    start(one);
    wait_for("api", State::ready);
    const pid_t before = view("api").pid;

    std::filesystem::remove(path("well"));
    wait_for("api to be found unwell", [&] { return times("api", State::unhealthy) > 0; });
    write("well", "");
    wait_for("another process", [&] {
        return view("api").state == State::ready && view("api").pid != before;
    });

    EXPECT_FALSE(runs(before));
}

TEST_F(SupervisorTest, ItsPidStandsInAFileWhileItRuns) {
    App one = app("api", "exec sleep 1000");
    one.pid_file = path("pids/api-{number}.pid");
    start(one);
    wait_for("api", State::ready);

    EXPECT_EQ(content("pids/api-0.pid"), std::to_string(view("api").pid) + "\n");
    stop("api");

    EXPECT_FALSE(std::filesystem::exists(path("pids/api-0.pid")));
}

TEST_F(SupervisorTest, KillsWhatIsLeftWhenItGoes) {
    App one =
        app("api",
            "trap '' TERM; (setsid sh -c 'trap \"\" TERM HUP; echo $$ > away; "
            "while :; do sleep 1000; done' &); while :; do sleep 1000; done");
    one.instances = 3;
    start(one);
    wait_for("api", State::ready, 2);
    wait_for("its child", [&] { return !content("away").empty(); });
    std::vector<pid_t> all = descendants_of(::getpid());
    EXPECT_GE(all.size(), 7U);

    supervisor.reset();

    // The fixture waits for their ends.
}

class LeapingClock final : public Clock {
  public:
    Instant now() const override { return steady_.now() + leap; }

    Duration leap{};

  private:
    SteadyClock steady_{};
};

TEST_F(SupervisorTest, AStartMayTakeAsLongAsTheAppHasAskedFor) {
    LeapingClock leaping;
    EventLoop leaping_loop(leaping);
    make({.loop = leaping_loop, .logs = logs, .runtime_directory = folder});
    App slow = app("slow", "");
    slow.command = {
        "/usr/bin/python3",
        "-c",
        "import os, socket, time\n"
        "place = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "place.connect(os.environ['NOTIFY_SOCKET'].replace('@', chr(0)))\n"
        "place.send(b'EXTEND_TIMEOUT_USEC=7200000000\\nSTATUS=asked')\n"
        "time.sleep(1000)\n"};
    slow.readiness = {.probe = {.kind = Probe::Kind::notify}, .limit = 10min};
    const auto run_until = [&](const std::function<bool()>& is_so) {
        const auto limit = std::chrono::steady_clock::now() + 60s;
        while (!is_so() && std::chrono::steady_clock::now() < limit)
            leaping_loop.run_once(leaping.now() + 10ms);
        return is_so();
    };
    start(slow);
    ASSERT_TRUE(run_until([&] { return view("slow").note == "asked"; }));

    leaping.leap = 1h;
    leaping_loop.run_once(leaping.now());
    EXPECT_EQ(view("slow").state, State::starting);

    leaping.leap = 3h;
    EXPECT_TRUE(run_until([&] { return times("slow", State::stopping) > 0; }));
    supervisor.reset();
}

TEST_F(SupervisorTest, KeepsManyAtATime) {
    App one = app("many", "exec sleep 1000");
    one.instances = 40;
    start(one);
    wait_for("all to be ready", [&] { return times("many", State::ready) == 40; });

    for (const InstanceView& each : supervisor->instances())
        ::kill(each.pid, SIGKILL);
    wait_for("all to be ready again", [&] { return times("many", State::ready) == 80; });
    wait_for("their measures", [&] {
        return std::ranges::all_of(supervisor->instances(), [](const InstanceView& each) {
            return each.use.processes == 1 && each.use.memory_bytes > 0;
        });
    });

    supervisor->stop_all("test");
    wait_for("rest", [&] { return supervisor->is_at_rest(); });
    EXPECT_EQ(times("many", State::stopped), 40);
}

}  // namespace
}  // namespace tranter::supervise
