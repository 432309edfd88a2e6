#include "base/burst.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace tranter {
namespace {

struct Counter final : Wakeable {
    int wakes = 0;
    void wake_now() override { ++wakes; }
};

TEST(BurstTest, WithoutOneASleeperIsWokenAtOnce) {
    const auto sleeper = std::make_shared<Counter>();

    Burst::wake(sleeper);

    EXPECT_EQ(sleeper->wakes, 1);
}

TEST(BurstTest, PutsWakeUpsOffUntilTheOutermostEnds) {
    const auto sleeper = std::make_shared<Counter>();
    {
        const Burst outer;
        {
            const Burst inner;
            Burst::wake(sleeper);
        }
        EXPECT_EQ(sleeper->wakes, 0);
    }
    EXPECT_EQ(sleeper->wakes, 1);

    Burst::wake(sleeper);
    EXPECT_EQ(sleeper->wakes, 2);
}

TEST(BurstTest, KeepsASleeperAliveUntilItIsWoken) {
    auto sleeper = std::make_shared<Counter>();
    const std::weak_ptr<Counter> watch = sleeper;
    {
        const Burst burst;
        Burst::wake(sleeper);
        sleeper.reset();
        EXPECT_FALSE(watch.expired());
    }
    EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace tranter
