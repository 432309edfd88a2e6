#include "supervise/restart.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;
using Verdict = Restarts::Verdict;

class RestartsTest : public ::testing::Test {
  public:
    static constexpr Ending crash{.code = 1};

    /// Crashes at once, again and again, until the verdict; every wait is waited for.
    std::vector<Duration> crash_until_given_up(Restarts& restarts, std::size_t most = 100) {
        std::vector<Duration> waits;
        while (waits.size() < most) {
            now += 10ms;
            const auto decision = restarts.ended(crash, 10ms, now, 0);
            if (decision.verdict != Verdict::restart) break;
            waits.push_back(decision.wait);
            now += decision.wait;
        }
        return waits;
    }

    Instant now = Instant(1h);
};

TEST_F(RestartsTest, TheFirstGoesAtOnceAndTheOthersWaitEverLonger) {
    Restarts restarts({});

    const auto waits = crash_until_given_up(restarts, 9);

    const std::vector<Duration> wanted{
        0ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms};
    EXPECT_EQ(waits, wanted);
}

TEST_F(RestartsTest, GivesUpAfterTheLimitWithinTheWindow) {
    Restarts restarts({.max = 3, .window = 60s, .delay = 2s, .delay_max = {}});

    EXPECT_EQ(crash_until_given_up(restarts).size(), 3U);
}

TEST_F(RestartsTest, OldRestartsLeaveTheWindow) {
    Restarts restarts({.max = 2, .window = 10s});

    for (int i = 0; i < 20; ++i) {
        now += 6s;
        EXPECT_EQ(restarts.ended(crash, 6s, now, 0).verdict, Verdict::restart) << i;
    }
    now += 1s;
    restarts.ended(crash, 1s, now, 0);
    now += 1s;
    EXPECT_EQ(restarts.ended(crash, 1s, now, 0).verdict, Verdict::errored);
}

TEST_F(RestartsTest, WithoutAWindowADelayDoesNotHideACrashLoop) {
    Restarts restarts({.max = 3, .window = {}, .delay = 2s, .delay_max = {}});

    EXPECT_EQ(crash_until_given_up(restarts).size(), 3U);
}

TEST_F(RestartsTest, WithoutAWindowWhoLivesLongEnoughIsNeverGivenUp) {
    Restarts restarts({.max = 1, .window = {}});

    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(restarts.ended(crash, 2s, now, 0).verdict, Verdict::restart);
    EXPECT_EQ(restarts.total(), 100U);
}

TEST_F(RestartsTest, AGoodStartResetsTheWait) {
    Restarts restarts({.max = 0});
    crash_until_given_up(restarts, 5);

    EXPECT_EQ(restarts.ended(crash, 5s, now, 0).wait, 0ms);
    EXPECT_EQ(restarts.ended(crash, 10ms, now, 0).wait, 0ms);
    EXPECT_EQ(restarts.ended(crash, 10ms, now, 0).wait, 100ms);
}

TEST_F(RestartsTest, AWaitGrowsFromTheDelayUpToItsMost) {
    Restarts restarts({.max = 0, .delay = 100ms, .delay_max = 350ms, .factor = 1.5});

    const std::vector<Duration> wanted{100ms, 150ms, 225ms, 337500us, 350ms, 350ms};
    EXPECT_EQ(crash_until_given_up(restarts, 6), wanted);
}

TEST_F(RestartsTest, ChanceShortensAWaitByItsShare) {
    Restarts restarts({.delay_max = 1s, .jitter = 0.5});
    restarts.ended(crash, 1ms, now, 0.5);

    EXPECT_EQ(restarts.ended(crash, 1ms, now, 0.5).wait, 75ms);
}

TEST_F(RestartsTest, RestartsAfterSuccessOnlyWhenAlways) {
    EXPECT_EQ(Restarts({}).ended({}, 5s, now, 0).verdict, Verdict::restart);
    Restarts on_failure({.when = RestartWhen::on_failure});
    EXPECT_EQ(on_failure.ended({}, 5s, now, 0).verdict, Verdict::stopped);
    EXPECT_EQ(on_failure.ended({.signal = 9}, 5s, now, 0).verdict, Verdict::restart);
    EXPECT_EQ(
        Restarts({.when = RestartWhen::never}).ended(crash, 5s, now, 0).verdict, Verdict::errored
    );
    EXPECT_EQ(
        Restarts({.when = RestartWhen::never}).ended({}, 5s, now, 0).verdict, Verdict::stopped
    );
}

TEST_F(RestartsTest, AWantedCodeStops) {
    Restarts restarts({.stop_exit_codes = {0, 3}});

    EXPECT_EQ(restarts.ended({.code = 3}, 1ms, now, 0).verdict, Verdict::stopped);
    EXPECT_EQ(restarts.ended({.code = 0, .signal = 11}, 1ms, now, 0).verdict, Verdict::restart);
}

TEST_F(RestartsTest, AOneshotIsCompletedBySuccessAlone) {
    Restarts restarts({}, AppType::oneshot);

    EXPECT_EQ(restarts.ended(crash, 1s, now, 0).verdict, Verdict::restart);
    EXPECT_EQ(restarts.ended({}, 1ms, now, 0).verdict, Verdict::completed);
}

TEST_F(RestartsTest, AStartThatFailedIsTriedAgainUnlessNever) {
    EXPECT_EQ(
        Restarts({.when = RestartWhen::on_failure}).failed({}, now, 0).verdict, Verdict::restart
    );
    EXPECT_EQ(Restarts({.when = RestartWhen::never}).failed({}, now, 0).verdict, Verdict::errored);
}

TEST_F(RestartsTest, WhoHasToBeKilledWithinAMinuteHasNotStartedWell) {
    Restarts restarts({.max = 2, .window = {}, .delay_max = 15s, .jitter = 0});

    EXPECT_EQ(restarts.failed(3s, now, 0).wait, 0s);
    EXPECT_EQ(restarts.failed(59s, now, 0).wait, 100ms);
    EXPECT_EQ(restarts.unstable(), 2U);
    EXPECT_EQ(restarts.failed(3s, now, 0).verdict, Verdict::errored);
}

TEST_F(RestartsTest, WhoHasToBeKilledLaterHasStartedWell) {
    Restarts restarts({.max = 2, .window = {}, .min_uptime = 1s});

    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(restarts.failed(60s, now, 0).verdict, Verdict::restart);

    EXPECT_EQ(restarts.unstable(), 0U);
    EXPECT_EQ(restarts.ended(crash, 3s, now, 0).verdict, Verdict::restart);
    EXPECT_EQ(restarts.unstable(), 0U);
}

TEST_F(RestartsTest, ResetForgetsWhatWasCounted) {
    Restarts restarts({.max = 3});
    crash_until_given_up(restarts);

    restarts.reset();

    EXPECT_EQ(crash_until_given_up(restarts).size(), 3U);
}

}  // namespace
}  // namespace tranter::supervise
