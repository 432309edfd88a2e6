// Time that passes only when it is told to.
#include "fixture.hpp"

namespace tranter::conformance {
namespace {

class VirtualTimeTest : public ProviderTest {
  public:
    void SetUp() override {
        ProviderTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        if (!can().virtual_time) GTEST_SKIP() << kind().name << " has no virtual time";
    }

    VirtualTime& clock() { return *store().virtual_time(); }
};
TRANTER_FOR_ALL_STORES(VirtualTimeTest);

TEST_P(VirtualTimeTest, StandsStill) {
    const TimePoint before = clock().now();

    enqueue(job());
    complete(take());

    EXPECT_EQ(clock().now(), before);
}

TEST_P(VirtualTimeTest, KnowsWhenSomethingHappens) {
    NewJob later = job();
    later.delay = hours(1);
    const TimePoint due = clock().now() + hours(1);

    enqueue(later);

    // The store may have other things to do before.
    for (auto next = clock().next_event(); next && *next < due; next = clock().next_event()) {
        ASSERT_GT(*next, clock().now());
        clock().advance_to(*next);
        EXPECT_TRUE(nothing_left());
    }
    EXPECT_EQ(clock().next_event(), std::optional(due));
}

TEST_P(VirtualTimeTest, ADelayEndsToTheMillisecond) {
    NewJob later = job();
    later.delay = hours(24 * 30);
    const TimePoint due = clock().now() + hours(24 * 30);
    enqueue(later);

    clock().advance_to(due - milliseconds(1));
    EXPECT_TRUE(nothing_left());

    clock().advance_to(due);
    EXPECT_FALSE(nothing_left());
}

TEST_P(VirtualTimeTest, ALeaseEndsToTheMillisecond) {
    enqueue(job("1", {.retry = at_once()}));
    const ReceivedJob got = take(minutes(2));
    EXPECT_EQ(got.lease_until, clock().now() + minutes(2));

    clock().advance_to(got.lease_until - milliseconds(1));
    EXPECT_TRUE(nothing_left());

    clock().advance_to(got.lease_until);
    EXPECT_EQ(take().attempt, 2U);
}

TEST_P(VirtualTimeTest, NeverGoesBack) {
    const TimePoint before = clock().now();
    clock().advance_to(before + hours(1));

    clock().advance_to(before);

    EXPECT_EQ(clock().now(), before + hours(1));
}

TEST_P(VirtualTimeTest, RestsGrowAsThePolicySays) {
    const RetryPolicy policy{
        .max_attempts = 6, .base = seconds(2), .factor = 3, .max = seconds(30), .jitter = 0};
    const std::string id = enqueue(job("1", {.retry = policy}));

    for (const seconds rest : {seconds(2), seconds(6), seconds(18), seconds(30), seconds(30)}) {
        must(settle(take(), Failed{.type = "E", .text = "e"}));
        EXPECT_EQ(find(id).run_at, std::optional(clock().now() + rest));
    }
    must(settle(take(), Failed{.type = "E", .text = "e"}));
    EXPECT_EQ(state_of(id), JobState::dead);
}

TEST_P(VirtualTimeTest, JitterTakesOffUpToItsShare) {
    const RetryPolicy policy{.base = hours(1), .factor = 1, .max = hours(1), .jitter = 0.25};
    for (int i = 0; i < 20; ++i) {
        const std::string id = enqueue(job("1", {.retry = policy}));
        must(settle(take(), Failed{.type = "E", .text = "e"}));
        const TimePoint due = find(id).run_at.value_or(TimePoint{});
        EXPECT_GE(due, clock().now() + minutes(45));
        EXPECT_LE(due, clock().now() + hours(1));
        must(store().cancel(id));
    }
}

}  // namespace
}  // namespace tranter::conformance
