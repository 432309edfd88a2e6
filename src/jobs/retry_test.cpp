#include <tranter/retry.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>

namespace tranter {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t random_max = std::numeric_limits<std::uint64_t>::max();

TEST(RetryPolicyTest, DoublesFromTwoSecondsToAnHourByDefault) {
    const RetryPolicy policy;

    EXPECT_EQ(policy.next_delay(1, 0), 2s);
    EXPECT_EQ(policy.next_delay(2, 0), 4s);
    EXPECT_EQ(policy.next_delay(11, 0), 2048s);
    EXPECT_EQ(policy.next_delay(12, 0), 1h);
    EXPECT_EQ(policy.next_delay(24, 0), 1h);
}

TEST(RetryPolicyTest, EndsWithTheLastAttempt) {
    const RetryPolicy policy{.max_attempts = 3};

    EXPECT_TRUE(policy.next_delay(2, 0));
    EXPECT_EQ(policy.next_delay(3, 0), std::nullopt);
    EXPECT_EQ(policy.next_delay(std::numeric_limits<std::uint32_t>::max(), 0), std::nullopt);
    EXPECT_EQ(RetryPolicy{.max_attempts = 1}.next_delay(1, 0), std::nullopt);
}

TEST(RetryPolicyTest, AFactorOfOneIsAFixedRest) {
    const RetryPolicy policy{.base = 10s, .factor = 1, .jitter = 0};

    EXPECT_EQ(policy.next_delay(1, 7), 10s);
    EXPECT_EQ(policy.next_delay(20, 7), 10s);
}

TEST(RetryPolicyTest, JitterTakesOffUpToItsShare) {
    const RetryPolicy policy{.base = 100s, .max = 1000s, .jitter = 0.25};

    EXPECT_EQ(policy.next_delay(1, 0), 100s);
    EXPECT_EQ(policy.next_delay(1, random_max), 75001ms);
    EXPECT_EQ(policy.next_delay(1, random_max / 2), 87501ms);
    EXPECT_EQ(policy.next_delay(9, random_max), 750001ms);
}

TEST(RetryPolicyTest, StaysBetweenZeroAndTheCapForAnyNumbers) {
    std::mt19937_64 random(1);
    for (int run = 0; run < 20000; ++run) {
        const RetryPolicy policy{
            .max_attempts = 1 + static_cast<std::uint32_t>(random() % 100000),
            .base = std::chrono::milliseconds(random() >> (1 + random() % 63)),
            .factor = 1 + static_cast<double>(random() % 1000) / 100,
            .max = std::chrono::milliseconds::max(),
            .jitter = static_cast<double>(random() % 101) / 100};
        ASSERT_EQ(policy.problem(), "");

        const auto rest =
            policy.next_delay(static_cast<std::uint32_t>(random() % 100000), random());

        if (!rest) continue;
        ASSERT_GE(*rest, 0ms);
        ASSERT_LE(*rest, policy.max);
    }
}

TEST(RetryPolicyTest, ABaseOfZeroNeverRests) {
    const RetryPolicy policy{.max_attempts = 100000, .base = 0ms, .factor = 1000};

    EXPECT_EQ(policy.next_delay(99999, random_max), 0ms);
}

TEST(RetryPolicyTest, SaysWhatContradictsItself) {
    const double nan = std::numeric_limits<double>::quiet_NaN();

    EXPECT_EQ(RetryPolicy().problem(), "");
    EXPECT_NE(RetryPolicy{.max_attempts = 0}.problem(), "");
    EXPECT_NE(RetryPolicy{.base = -1s}.problem(), "");
    EXPECT_NE(RetryPolicy{.factor = 0.5}.problem(), "");
    EXPECT_NE(RetryPolicy{.factor = nan}.problem(), "");
    EXPECT_NE((RetryPolicy{.base = 2s, .max = 1s}.problem()), "");
    EXPECT_NE(RetryPolicy{.jitter = 1.5}.problem(), "");
    EXPECT_NE(RetryPolicy{.jitter = nan}.problem(), "");
}

}  // namespace
}  // namespace tranter
