// Who comes first: priorities, and groups that share a queue.
#include "fixture.hpp"

#include <algorithm>

namespace tranter::conformance {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

class OrderTest : public ProviderTest {
  public:
    static std::vector<NewJob> of_group(const std::string& group, int count) {
        std::vector<NewJob> jobs;
        for (int i = 0; i < count; ++i)
            jobs.push_back(job("\"" + group + std::to_string(i) + "\"", {.group = group}));
        return jobs;
    }

    void limit(const QueueLimits& limits) { must(store().set_limits(queue(), limits)); }
};
TRANTER_FOR_ALL_STORES(OrderTest);

TEST_P(OrderTest, UrgentJobsComeFirst) {
    TRANTER_NEEDS(priorities);
    std::vector<NewJob> jobs;
    for (const int priority : {5, 9, 0, 3, 5, 0})
        jobs.push_back(job(std::to_string(jobs.size()), {.priority = priority}));
    enqueue_all(jobs);

    EXPECT_THAT(payloads_of(take_many(6)), ElementsAre("2", "5", "3", "0", "4", "1"));
}

TEST_P(OrderTest, AMinuteOfWaitingIsWorthOneLevel) {
    TRANTER_NEEDS(priorities);
    TRANTER_NEEDS(virtual_time);
    enqueue(job("\"old\"", {.priority = 9}));
    let_pass(minutes(4) + seconds(1));

    enqueue(job("\"new\"", {.priority = 5}));
    enqueue(job("\"urgent\"", {.priority = 4}));

    EXPECT_THAT(payloads_of(take_many(3)), ElementsAre("\"urgent\"", "\"old\"", "\"new\""));
}

TEST_P(OrderTest, ARetryKeepsItsPriority) {
    TRANTER_NEEDS(priorities);
    enqueue(job("\"urgent\"", {.priority = 0, .retry = at_once()}));
    must(settle(take(), Failed{.type = "E", .text = "again"}));
    enqueue(job("\"common\""));

    const ReceivedJob first = take();

    EXPECT_EQ(first.payload, "\"urgent\"");
    EXPECT_EQ(first.attempt, 2U);
}

TEST_P(OrderTest, AFullGroupDelaysAnotherByOneHandOut) {
    TRANTER_NEEDS(groups);
    enqueue_all(of_group("big", 200));
    enqueue_all(of_group("small", 1));

    const auto first = payloads_of(take_many(2));

    EXPECT_THAT(first, testing::Contains("\"small0\""));
}

TEST_P(OrderTest, GroupsTakeTurns) {
    TRANTER_NEEDS(groups);
    enqueue_all(of_group("a", 3));
    enqueue_all(of_group("b", 3));
    enqueue_all(of_group("c", 1));

    auto names = payloads_of(take_many(7));

    std::sort(names.begin(), names.begin() + 3);
    std::sort(names.begin() + 3, names.begin() + 5);
    EXPECT_THAT(
        names, ElementsAre("\"a0\"", "\"b0\"", "\"c0\"", "\"a1\"", "\"b1\"", testing::_, testing::_)
    );
}

TEST_P(OrderTest, UnfairQueuesGoByAge) {
    TRANTER_NEEDS(groups);
    TRANTER_NEEDS(limits);
    limit({.fair = false});
    enqueue_all(of_group("a", 3));
    enqueue_all(of_group("b", 1));

    EXPECT_THAT(payloads_of(take_many(4)), ElementsAre("\"a0\"", "\"a1\"", "\"a2\"", "\"b0\""));
}

TEST_P(OrderTest, AGroupRunsNoMoreThanItsLimit) {
    TRANTER_NEEDS(groups);
    TRANTER_NEEDS(limits);
    limit({.max_in_flight_per_group = 2});
    enqueue_all(of_group("a", 5));
    enqueue_all(of_group("b", 1));

    const auto running = receive({.queue = queue(), .jobs_max = 10});

    EXPECT_THAT(payloads_of(running), testing::UnorderedElementsAre("\"a0\"", "\"a1\"", "\"b0\""));
    EXPECT_TRUE(nothing_left());

    const auto first_of_a = std::find_if(running.begin(), running.end(), [](const auto& one) {
        return one.payload == "\"a0\"";
    });
    complete(*first_of_a);
    EXPECT_EQ(take().payload, "\"a2\"");
    EXPECT_TRUE(nothing_left());
}

TEST_P(OrderTest, ASlotOfAGroupIsFreeAgainWhenALeaseEnds) {
    TRANTER_NEEDS(groups);
    TRANTER_NEEDS(limits);
    limit({.max_in_flight_per_group = 1});
    enqueue_all(of_group("a", 2));
    take(seconds(1));
    EXPECT_TRUE(nothing_left());

    const ReceivedJob again = take();

    EXPECT_EQ(again.attempt, again.payload == "\"a0\"" ? 2U : 1U);
    EXPECT_TRUE(nothing_left());
}

TEST_P(OrderTest, AQueueRunsNoMoreThanItsLimit) {
    TRANTER_NEEDS(limits);
    limit({.max_in_flight = 2});
    enqueue_all({job("1"), job("2"), job("3")});

    const auto running = receive({.queue = queue(), .jobs_max = 10});

    ASSERT_EQ(running.size(), 2U);
    EXPECT_TRUE(nothing_left());
    complete(running.front());
    EXPECT_EQ(take().payload, "3");
}

TEST_P(OrderTest, LimitsChangeWhileJobsWait) {
    TRANTER_NEEDS(limits);
    limit({.max_in_flight = 1});
    enqueue_all({job("1"), job("2"), job("3")});
    take();
    EXPECT_TRUE(nothing_left());

    limit({.max_in_flight = 2});
    EXPECT_EQ(take().payload, "2");
    EXPECT_TRUE(nothing_left());

    limit({});
    EXPECT_EQ(take().payload, "3");
}

TEST_P(OrderTest, AFullGroupRefusesTheWholeCall) {
    TRANTER_NEEDS(groups);
    TRANTER_NEEDS(limits);
    limit({.max_queued_per_group = 3});
    enqueue_all(of_group("a", 2));

    EXPECT_EQ(code_of(try_enqueue(of_group("a", 2))), Errc::limit_exceeded);
    EXPECT_EQ(stats().pending, 2U);

    enqueue_all(of_group("a", 1));
    enqueue_all(of_group("b", 3));
    enqueue_all({job("1"), job("2"), job("3"), job("4")});
    const auto refused = try_enqueue(of_group("a", 1));
    ASSERT_EQ(code_of(refused), Errc::limit_exceeded);
    const std::string& why = refused.error().message();
    EXPECT_THAT(why, testing::HasSubstr("group a would have 4 queued messages, limit is 3"));
    EXPECT_THAT(why, testing::HasSubstr("of queue " + queue()));
}

TEST_P(OrderTest, LimitsAreShown) {
    TRANTER_NEEDS(limits);
    const QueueLimits limits{
        .max_in_flight = 7,
        .max_in_flight_per_group = 3,
        .max_queued_per_group = 100,
        .fair = false};

    limit(limits);

    EXPECT_EQ(stats().limits, limits);
    limit({});
    EXPECT_EQ(stats().limits, QueueLimits{});
}

}  // namespace
}  // namespace tranter::conformance
