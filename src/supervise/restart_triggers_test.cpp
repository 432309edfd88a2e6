#include "supervise/restart_triggers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// At every full hour. The wall clock is the test's own, and so far ahead that no alarm rings.
class RestartMomentsTest : public ::testing::Test {
  public:
    RestartMomentsTest() {
        App app{.name = "web"};
        app.restart_cron = "0 * * * *";
        triggers.wait_for_cron(app);
    }

    void look(Duration at) {
        wall = midnight + at;
        triggers.look_at_clock();
    }

    const SteadyClock clock{};
    EventLoop loop{clock};
    const Instant midnight = std::chrono::ceil<std::chrono::days>(clock.now()) + 365 * 24h;
    Instant wall = midnight + 10min;
    std::vector<std::string> came{};
    RestartTriggers triggers{
        {.loop = loop,
         .next_cron = [](std::string_view, Instant after) -> std::optional<Instant> {
             return std::chrono::floor<std::chrono::hours>(after) + 1h;
         },
         .wall_now = [this] { return wall; },
         .moment_came =
             [this](const std::string& app) {
                 came.push_back(app);
             }}};
};

TEST_F(RestartMomentsTest, ComeOnceAtTheirMoment) {
    look(1h - 1us);
    EXPECT_THAT(came, IsEmpty());

    look(1h);
    look(1h + 1s);

    EXPECT_THAT(came, ElementsAre("web"));
}

TEST_F(RestartMomentsTest, FollowAClockThatIsPutForward) {
    look(5h + 30min);
    EXPECT_THAT(came, ElementsAre("web"));

    look(6h);
    EXPECT_THAT(came, ElementsAre("web", "web"));
}

TEST_F(RestartMomentsTest, FollowAClockThatIsPutBack) {
    look(-5h + 10min);
    EXPECT_THAT(came, IsEmpty());

    look(-4h);

    EXPECT_THAT(came, ElementsAre("web"));
}

TEST_F(RestartMomentsTest, DoNotComeAgainWhenTheClockIsPutBackALittle) {
    look(1h);
    look(1h - 1s);
    look(1h);
    EXPECT_THAT(came, ElementsAre("web"));

    look(2h);
    EXPECT_THAT(came, ElementsAre("web", "web"));
}

TEST(WallAlarmTest, RingsOnceAtAMomentThatHasBeen) {
    const SteadyClock clock;
    EventLoop loop(clock);
    int rang = 0;
    WallAlarm alarm(loop, [&rang] { ++rang; });

    alarm.set(Instant(1s));
    while (rang == 0)
        loop.run_once(clock.now() + 60s);
    loop.run_once(clock.now());

    EXPECT_EQ(rang, 1);
}

TEST(WallAlarmTest, RingsNoEarlierThanItsMomentOfTheWallClock) {
    const SteadyClock clock;
    EventLoop loop(clock);
    bool has_rung = false;
    WallAlarm alarm(loop, [&has_rung] { has_rung = true; });

    const Instant at = SteadyClock::wall_clock() + 20ms;
    alarm.set(at);
    while (!has_rung)
        loop.run_once(clock.now() + 60s);

    EXPECT_GE(SteadyClock::wall_clock(), at);
}

}  // namespace
}  // namespace tranter::supervise
