#include "supervise/supervisor.hpp"
#include "supervise/test_supervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <random>
#include <string>
#include <string_view>
#include <utility>

/// Whatever is done to instances, and whenever: there are never two copies of one, and nothing of
/// them is left.
namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

class SupervisorMonkeyTest : public SupervisorTest {
  public:
    /// The one whose instances are replaced by new ones with the same number while they run.
    static constexpr std::string_view reloaded = "three";

    /// All that an instance starts holds the lock of its number, so a copy beside it finds that
    /// taken. For a reload there are two locks.
    App locking(const std::string& name) const {
        const std::string lock = "lock-" + name + "-$TRANTER_INSTANCE";
        const std::string second = name == reloaded ? "flock -n 8 || " : "";
        App one =
            app(name,
                "exec 9>" + lock + " 8>" + lock + "-second; flock -n 9 || " + second +
                    "echo too many copies; "
                    "(setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' &); "
                    "exec sleep 1000");
        one.stop.timeout = 20ms;
        one.restart.max = 0;
        one.logs.errors = one.logs.output;
        return one;
    }

    std::size_t any(std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
    }

    void kill_something() {
        const auto views = supervisor->instances();
        if (views.empty()) return;
        const InstanceView& one = views[any(views.size())];
        const auto stat = process::read_stat(one.pid);
        if (one.pid == 0 || !stat) return;
        const auto what = any(4);
        // Its parent is its keeper, while that lives.
        if (what == 0 && stat->parent != ::getpid()) ::kill(stat->parent, SIGKILL);
        if (what == 1) ::kill(one.pid, SIGSTOP);
        if (what > 1) ::kill(one.pid, SIGKILL);
    }

    /// Once those that the last one has replaced are gone.
    void reload() {
        const auto views = supervisor->instances();
        const auto count = std::ranges::count_if(views, [](const InstanceView& view) {
            return view.id.app == reloaded;
        });
        const App* const app = supervisor->find(reloaded);
        if (app == nullptr || std::cmp_greater(count, app->instances)) return;
        static_cast<void>(supervisor->reload(reloaded));
    }

    void do_something(const std::string& name) {
        switch (any(6)) {
            case 0:
                ASSERT_TRUE(supervisor->restart(name, "monkey"));
                break;
            case 1:
                reload();
                break;
            case 2:
                static_cast<void>(supervisor->scale(name, static_cast<std::uint32_t>(1 + any(3))));
                break;
            case 3:
                ASSERT_TRUE(supervisor->stop(name, "monkey"));
                break;
            default:
                ASSERT_TRUE(supervisor->start(name, "monkey"));
        }
    }

    void play() {
        const std::vector<std::string> names{"one", "two", "three"};
        for (const std::string& name : names)
            start(locking(name));

        for (int step = 0; step < 150; ++step) {
            if (any(2) == 0) kill_something();
            if (any(4) == 0) do_something(names[any(names.size())]);
            loop.run_once(clock.now() + Duration(any(10'000)));
        }
        for (const std::string& name : names)
            ASSERT_TRUE(supervisor->start(name, "test"));
        wait_for("all to run", [&] {
            const auto views = supervisor->instances();
            return std::ranges::all_of(views, [](const InstanceView& view) {
                return view.state == State::ready;
            });
        });
        supervisor->stop_all("test");
        wait_for("rest", [&] { return supervisor->is_at_rest(); });

        for (const std::string& name : names)
            EXPECT_THAT(content(name + ".log"), IsEmpty()) << told();
    }

    std::mt19937 random{7};
};

TEST_F(SupervisorMonkeyTest, ThereAreNeverTwoCopies) {
    play();
}

TEST_F(SupervisorMonkeyTest, NorAreThereWithoutControlGroups) {
    auto without_groups = options();
    without_groups.uses_cgroups = false;
    make(std::move(without_groups));

    play();
}

}  // namespace
}  // namespace tranter::supervise
