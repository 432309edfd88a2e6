#include "control/commands.hpp"

#include "base/wake_event.hpp"
#include "supervise/log_writer.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

namespace tranter::control {
namespace {

namespace files = std::filesystem;

/// A daemon's parts on a thread of their own, and a client of it. The thread starts all processes,
/// and lives as long as they do.
class CommandsTest : public testing::Test {
  public:
    CommandsTest() {
        std::string pattern = (files::temp_directory_path() / "commands-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
        is_up.wait(false);
    }
    ~CommandsTest() override {
        thread.request_stop();
        wake.wake();
        thread.join();
        files::remove_all(folder);
    }

    void run(const std::stop_token& stop) {
        supervise::EventLoop loop(clock);
        supervise::LogWriter logs({.clock = clock});
        supervise::Supervisor supervisor({.loop = loop, .logs = logs, .runtime_directory = folder});
        Commands commands(
            {.loop = loop,
             .supervisor = supervisor,
             .socket = folder + "/daemon.sock",
             .daemon = {.pid = 1, .home = folder},
             .over =
                 [this] {
                     is_over = true;
                 }}
        );
        loop.watch(wake.get(), [this] { wake.clear(); });
        is_up = true;
        is_up.notify_all();
        while (!stop.stop_requested() && !is_over)
            loop.run_once(Instant::max());
        commands.finish();
    }

    Client client() const {
        auto connected = Client::connect(folder + "/daemon.sock");
        EXPECT_TRUE(connected);
        return std::move(*connected);
    }

    static supervise::App shell(const std::string& name, const std::string& script) {
        supervise::App app;
        app.name = name;
        app.command = {"/bin/sh", "-c", script};
        app.environment = {{"PATH", "/usr/bin:/bin"}};
        app.restart.min_uptime = std::chrono::milliseconds(50);
        return app;
    }

    /// However slowly it ends, it was never ready.
    static supervise::App broken(const std::string& name, const std::string& script) {
        supervise::App app = shell(name, script);
        app.readiness.probe.kind = supervise::Probe::Kind::notify;
        app.restart.max = 1;
        return app;
    }

    static Order order(Order::Kind kind, std::vector<std::string> targets) {
        return {.kind = kind, .targets = std::move(targets)};
    }

    static std::vector<supervise::State> states(Client& from) {
        std::vector<supervise::State> out;
        const auto views = from.instances().value();
        for (const auto& view : views)
            out.push_back(view.state);
        return out;
    }

    /// Asks again and again. A test that waits for longer has failed.
    void wait_for(const std::function<bool()>& is_so) const {
        const Instant limit = clock.now() + std::chrono::seconds(60);
        while (!is_so())
            ASSERT_LT(clock.now(), limit);
    }

    const SteadyClock clock{};
    std::string folder{};
    WakeEvent wake{};
    std::atomic<bool> is_up = false;
    std::atomic<bool> is_over = false;
    std::jthread thread{};
};

using supervise::State;
using Kind = Order::Kind;

TEST_F(CommandsTest, AStartIsAnsweredWhenAllIsReadyAndAStopWhenNothingRuns) {
    Client one = client();
    ASSERT_TRUE(one.put({shell("web", "exec sleep 600"), shell("api", "exec sleep 600")}, "F"));

    ASSERT_TRUE(one.give(order(Kind::start, {"all"})));
    EXPECT_EQ(states(one), (std::vector<State>{State::ready, State::ready}));
    EXPECT_EQ(one.daemon().value().file, "F");
    ASSERT_TRUE(one.give(order(Kind::stop, {"web"})));

    EXPECT_EQ(states(one), (std::vector<State>{State::ready, State::stopped}));
}

TEST_F(CommandsTest, WhatIsGivenUpIsAFailureThatNamesIt) {
    Client one = client();
    const supervise::App failing = broken("bad", "exit 7");
    supervise::App needing = shell("after", "exec sleep 600");
    needing.depends_on = {{.app = "bad"}};
    ASSERT_TRUE(one.put({failing, needing}));

    const auto started = one.give(order(Kind::start, {"after"}));

    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code(), Errc::internal);
    EXPECT_NE(started.error().message().find("after:0 is waiting"), std::string::npos);
    const auto itself = one.give(order(Kind::start, {"bad"}));
    ASSERT_FALSE(itself);
    EXPECT_NE(
        itself.error().message().find("bad:0 is errored: ended with code 7"), std::string::npos
    ) << itself.error().message();
}

TEST_F(CommandsTest, AnOrderThatTakesTooLongIsLate) {
    Client one = client();
    supervise::App never = shell("never", "exec sleep 600");
    never.readiness.probe.kind = supervise::Probe::Kind::notify;
    ASSERT_TRUE(one.put({never}));
    Order start = order(Kind::start, {"never"});
    start.limit = std::chrono::milliseconds(1);

    const auto given = one.give(start);

    ASSERT_FALSE(given);
    EXPECT_EQ(given.error().code(), Errc::timed_out);
    EXPECT_EQ(given.error().message(), "never:0 is starting");
}

TEST_F(CommandsTest, TargetsAreAppsNamespacesKeysAndInstances) {
    Client one = client();
    supervise::App web = shell("web", "exec sleep 600");
    web.space = "shop";
    web.instances = 2;
    ASSERT_TRUE(one.put({web, shell("api", "exec sleep 600")}));
    ASSERT_TRUE(one.give(order(Kind::start, {"shop"})));
    EXPECT_EQ(states(one), (std::vector<State>{State::stopped, State::ready, State::ready}));
    const auto key = std::to_string(one.instances().value().back().key);

    EXPECT_TRUE(one.latest_lines({"web:1", key}));
    EXPECT_TRUE(one.give(order(Kind::stop, {key})));
    EXPECT_EQ(states(one), (std::vector<State>{State::stopped, State::ready, State::stopped}));
    EXPECT_TRUE(one.give(order(Kind::stop, {"web:0", "web"})));
    EXPECT_EQ(states(one), (std::vector<State>{State::stopped, State::stopped, State::stopped}));

    for (const char* word : {"wb", "web:7", "99", "", "Shop"}) {
        const auto given = one.give(order(Kind::restart, {word}));
        ASSERT_FALSE(given) << word;
        EXPECT_EQ(given.error().code(), Errc::not_found) << word;
    }
    EXPECT_NE(
        one.give(order(Kind::stop, {"wb"})).error().message().find("did you mean web?"),
        std::string::npos
    );
    EXPECT_EQ(one.give(order(Kind::stop, {})).error().code(), Errc::invalid_argument);
}

TEST_F(CommandsTest, OrdersForOneInstanceAreForItAlone) {
    Client one = client();
    supervise::App web = shell("web", "exec sleep 600");
    web.instances = 3;
    ASSERT_TRUE(one.put({web}));
    ASSERT_TRUE(one.give(order(Kind::start, {"web"})));
    const auto pids = [&] {
        const auto views = one.instances().value();
        std::vector<pid_t> out;
        for (const auto& view : views)
            out.push_back(view.pid);
        return out;
    };
    const auto before = pids();
    ASSERT_EQ(before.size(), 3U);
    const auto key = std::to_string(one.instances().value().at(1).key);

    for (const Kind kind : {Kind::restart, Kind::reload}) {
        const auto last = pids();
        ASSERT_TRUE(one.give(order(kind, {key})));
        const auto now = pids();
        EXPECT_EQ(now.at(0), before.at(0));
        EXPECT_NE(now.at(1), last.at(1));
        EXPECT_EQ(now.at(2), before.at(2));
    }
    Order usr1 = order(Kind::signal, {"web:2"});
    usr1.count = "USR1";
    ASSERT_TRUE(one.give(usr1));
    wait_for([&] { return one.instances().value().at(2).restarts == 1; });
    EXPECT_EQ(one.instances().value().at(0).restarts, 0U);
    Order scale = order(Kind::scale, {key});
    scale.count = "+1";
    EXPECT_EQ(one.give(scale).error().code(), Errc::invalid_argument);
    ASSERT_TRUE(one.give(order(Kind::remove, {key})));

    wait_for([&] { return one.instances().value().size() == 2; });
    EXPECT_EQ(one.apps().value().front().instances, 2U);
    EXPECT_EQ(one.give(order(Kind::stop, {"web:1"})).error().code(), Errc::not_found);
}

TEST_F(CommandsTest, ScalesByNumberAndByDifference) {
    Client one = client();
    ASSERT_TRUE(one.put({shell("web", "exec sleep 600")}));
    ASSERT_TRUE(one.give(order(Kind::start, {"web"})));
    const auto scale = [&](const std::string& count) {
        Order wanted = order(Kind::scale, {"web"});
        wanted.count = count;
        const auto given = one.give(wanted);
        return given ? static_cast<int>(one.instances().value().size()) : -1;
    };

    EXPECT_EQ(scale("3"), 3);
    EXPECT_EQ(scale("-1"), 2);
    EXPECT_EQ(scale("+1"), 3);
    EXPECT_EQ(scale("-9"), 0);
    for (const char* wrong : {"", "+", "1001", "x", "1x", "--1"})
        EXPECT_EQ(scale(wrong), -1) << wrong;
}

TEST_F(CommandsTest, WhatOthersDependOnIsRemovedAfterThem) {
    Client one = client();
    supervise::App web = shell("web", "exec sleep 600");
    web.depends_on = {{.app = "db"}};
    ASSERT_TRUE(one.put({shell("db", "exec sleep 600"), web}));
    ASSERT_TRUE(one.give(order(Kind::start, {"web"})));

    const auto alone = one.give(order(Kind::remove, {"db"}));
    ASSERT_FALSE(alone);
    EXPECT_EQ(alone.error().code(), Errc::conflict);
    ASSERT_TRUE(one.give(order(Kind::remove, {"all"})));

    EXPECT_TRUE(one.apps().value().empty());
}

TEST_F(CommandsTest, AReloadReplacesItAndOneThatFailsSaysSo) {
    Client one = client();
    ASSERT_TRUE(one.put({shell("web", "exec sleep 600")}));
    ASSERT_TRUE(one.give(order(Kind::start, {"web"})));
    const pid_t before = one.instances().value().front().pid;

    ASSERT_TRUE(one.give(order(Kind::reload, {"web"})));
    const auto after = one.instances().value();
    ASSERT_EQ(after.size(), 1U);
    EXPECT_NE(after.front().pid, before);

    ASSERT_TRUE(one.put({broken("web", "exit 3")}));
    const auto reloaded = one.give(order(Kind::reload, {"web"}));
    ASSERT_FALSE(reloaded);
    EXPECT_NE(reloaded.error().message().find("web was not reloaded"), std::string::npos)
        << reloaded.error().message();
    // The one that has failed may still be there, too.
    const auto left = one.instances().value();
    EXPECT_TRUE(std::ranges::any_of(left, [&](const auto& view) {
        return view.pid == after.front().pid && view.state == State::ready;
    }));
}

TEST_F(CommandsTest, WhoeverFollowsSeesLinesAndChanges) {
    Client one = client();
    Client other = client();
    ASSERT_TRUE(one.put({shell("web", "echo hello; exec sleep 600"), shell("api", "exec sleep 9")})
    );
    ASSERT_TRUE(one.give(order(Kind::start, {"web"})));
    std::vector<std::string> lines;
    bool has_stopped = false;
    std::jthread stopping;

    const auto followed = other.follow(
        {"web"},
        {.line = [&](const supervise::OutputLine& line) { lines.push_back(line.text); },
         .event =
             [&](const supervise::Event& event) {
                 EXPECT_EQ(event.id.app, "web");
                 has_stopped = has_stopped || event.to == State::stopped;
             },
         .goes_on =
             [&] {
                 // Asked first when it follows.
                 if (!stopping.joinable()) {
                     stopping = std::jthread([&] {
                         EXPECT_TRUE(one.give(order(Kind::restart, {"all"})));
                         EXPECT_TRUE(one.give(order(Kind::stop, {"all"})));
                     });
                 }
                 return !has_stopped;
             }}
    );

    stopping.join();
    EXPECT_TRUE(followed);
    EXPECT_EQ(lines, std::vector<std::string>{"hello"});
    const auto latest = one.latest_lines({"web"}).value();
    ASSERT_EQ(latest.size(), 2U);
    EXPECT_LE(latest[0].at, latest[1].at);
}

TEST_F(CommandsTest, TheEndIsAnsweredWhenNothingIsLeft) {
    Client one = client();
    ASSERT_TRUE(one.put({shell("web", "exec sleep 600")}));
    ASSERT_TRUE(one.give(order(Kind::start, {"web"})));
    const pid_t pid = one.instances().value().front().pid;

    EXPECT_TRUE(one.shut_down());

    thread.join();
    EXPECT_FALSE(files::exists("/proc/" + std::to_string(pid)));
    EXPECT_FALSE(files::exists(folder + "/daemon.sock"));
    thread = std::jthread([](const std::stop_token&) {});
}

TEST_F(CommandsTest, DefinitionsWithoutSenseAreRefused) {
    Client one = client();
    for (const auto& app :
         {shell("", "true"), shell("all", "true"), supervise::App{.name = "empty"}}) {
        const auto put = one.put({app});
        ASSERT_FALSE(put) << app.name;
        EXPECT_EQ(put.error().code(), Errc::invalid_argument) << app.name;
    }
    supervise::App circle = shell("a", "true");
    circle.depends_on = {{.app = "a"}};
    EXPECT_FALSE(one.put({circle}));
    EXPECT_TRUE(one.apps().value().empty());
}

}  // namespace
}  // namespace tranter::control
