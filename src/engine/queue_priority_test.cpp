#include "engine/queue.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace tranter::engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class PriorityTest : public testing::TestWithParam<Fairness> {
  public:
    ~PriorityTest() override = default;

  protected:
    QueuePolicy policy() const { return {.retention = {}, .groups = {.fairness = GetParam()}}; }
    void send(
        Queue& queue, std::string_view body, std::uint8_t priority, std::string_view group = {}
    ) {
        const Traits traits{.priority = priority};
        const SendOptions options{.group = group, .traits = &traits};
        ASSERT_TRUE(queue.send(Payload::make({.body = body}), options, now));
        queue.check();
    }
    std::vector<Delivery> receive(Queue& queue, std::uint32_t max = 10) {
        std::vector<Delivery> got = queue.receive({.max_messages = max}, now).deliveries;
        queue.check();
        return got;
    }
    std::string bodies(Queue& queue, std::uint32_t max = 10) {
        std::string all;
        for (const Delivery& delivery : receive(queue, max))
            all += delivery.payload.body();
        return all;
    }

    Instant now{hours(24 * 365 * 56)};
};

INSTANTIATE_TEST_SUITE_P(
    EveryFairness,
    PriorityTest,
    testing::Values(Fairness::off, Fairness::round_robin, Fairness::aws)
);

TEST_P(PriorityTest, ALowerNumberGoesFirst) {
    Queue queue(policy());
    send(queue, "a", 9);
    send(queue, "b", 5);
    send(queue, "c", 0);
    send(queue, "d", 5);
    send(queue, "e", 9);

    EXPECT_EQ(bodies(queue), "cbdae");
}

TEST_P(PriorityTest, AMinuteOfWaitingIsWorthOneLevel) {
    Queue longer(policy());
    send(longer, "old", 7);
    now += minutes(2) + Duration(1);
    send(longer, "new", 5);
    EXPECT_EQ(bodies(longer), "oldnew");

    Queue shorter(policy());
    send(shorter, "old", 7);
    now += minutes(2) - Duration(1);
    send(shorter, "new", 5);
    EXPECT_EQ(bodies(shorter), "newold");
}

TEST_P(PriorityTest, LevelsThatAreWorthNoWaitingCountForNothing) {
    QueuePolicy rules = policy();
    rules.priority_aging = {};
    Queue queue(rules);
    send(queue, "a", 9);
    now += Duration(1);
    send(queue, "b", 0);

    EXPECT_EQ(bodies(queue), "ab");
}

TEST_P(PriorityTest, AgingOfAThousandYearsDoesNotOverflow) {
    QueuePolicy rules = policy();
    rules.priority_aging = Duration::max();
    Queue queue(rules);
    send(queue, "a", 9);
    now += hours(24 * 1000);
    send(queue, "b", 8);
    send(queue, "c", 0);

    EXPECT_EQ(bodies(queue), "cba");
}

TEST_P(PriorityTest, OtherAgingCountsAtOnceForWhatWaits) {
    Queue queue(policy());
    send(queue, "old", 7);
    now += minutes(1);
    send(queue, "new", 5);
    QueuePolicy faster = policy();
    faster.priority_aging = seconds(1);

    queue.set_policy(faster, now);

    queue.check();
    EXPECT_EQ(bodies(queue), "oldnew");
}

TEST_P(PriorityTest, WhatWasTakenBackGoesBeforeEveryPriority) {
    Queue queue(policy());
    send(queue, "a", 9);
    const Receipt receipt = receive(queue, 1).at(0).receipt;
    send(queue, "b", 0);

    queue.take_back(receipt, now);

    EXPECT_EQ(bodies(queue), "ab");
}

TEST_P(PriorityTest, WhatIsPutBackKeepsItsPlaceButNotMore) {
    Queue queue(policy());
    send(queue, "a", 5);
    const Receipt receipt = receive(queue, 1).at(0).receipt;
    send(queue, "b", 4);
    send(queue, "c", 5);

    ASSERT_TRUE(queue.settle({.kind = Settle::Kind::put_back, .receipt = receipt}, now));

    EXPECT_EQ(bodies(queue), "bac");
}

TEST_P(PriorityTest, ManyPutBackComeInTheirOldOrder) {
    Queue queue(policy());
    for (const char* body : {"a", "b", "c", "d"})
        send(queue, body, 3);
    std::vector<Delivery> held = receive(queue, 3);
    for (const std::size_t index : {1U, 0U, 2U}) {
        const Settle back{.kind = Settle::Kind::put_back, .receipt = held.at(index).receipt};
        ASSERT_TRUE(queue.settle(back, now));
    }

    EXPECT_EQ(bodies(queue), "abcd");
}

TEST_P(PriorityTest, PrioritiesAreKeptByARestart) {
    Queue queue(policy());
    send(queue, "a", 9, "g");
    send(queue, "b", 1, "g");
    send(queue, "c", 5, "g");
    std::vector<Stored> stored;
    for (const MessageView& view : queue.list(0, 0, 10))
        stored.push_back(queue.stored(view.slot, view.sequence).value());

    Queue again(policy());
    again.restore(std::move(stored), {}, queue.last_sequence(), now);

    again.check();
    EXPECT_EQ(bodies(again), "bca");
}

TEST_P(PriorityTest, OtherFairnessKeepsPriorities) {
    for (const Fairness fairness : {Fairness::off, Fairness::round_robin, Fairness::aws}) {
        Queue queue(policy());
        send(queue, "a", 9, "g");
        send(queue, "b", 1, "g");
        QueuePolicy other = policy();
        other.groups.fairness = fairness;

        queue.set_policy(other, now);

        queue.check();
        EXPECT_EQ(bodies(queue), "ba");
    }
}

TEST(PriorityTests, FifoQueuesIgnorePriorities) {
    const Instant now{hours(24 * 365 * 56)};
    Queue queue({.groups = {.order = Order::fifo}});
    const Traits last{.priority = 9};
    const Traits first{.priority = 0};
    ASSERT_TRUE(queue.send(Payload::make({.body = "a"}), {.group = "g", .traits = &last}, now));
    ASSERT_TRUE(queue.send(Payload::make({.body = "b"}), {.group = "g", .traits = &first}, now));

    const Received received = queue.receive({.max_messages = 10}, now);

    ASSERT_EQ(received.deliveries.size(), 2U);
    EXPECT_EQ(received.deliveries[0].payload.body(), "a");
    EXPECT_EQ(queue.list(0, 0, 1).size(), 1U);
    EXPECT_EQ(queue.list(0, 0, 1)[0].priority, 9);
}

// Priorities inside a group must not buy it more turns.
TEST(PriorityTests, UrgentMessagesOfAGroupDoNotDelayAnotherGroupsByMoreThanOneHandOut) {
    const Instant now{hours(24 * 365 * 56)};
    Queue queue({.retention = {}, .groups = {.fairness = Fairness::round_robin}});
    constexpr int crowd = 1000;
    for (int i = 0; i < crowd; ++i) {
        const Traits urgent{.priority = static_cast<std::uint8_t>(i % 3)};
        const SendOptions options{.group = "crowd", .traits = &urgent};
        ASSERT_TRUE(queue.send(Payload::make({.body = "c"}), options, now));
    }
    const Traits patient{.priority = 9};
    const SendOptions options{.group = "one", .traits = &patient};
    ASSERT_TRUE(queue.send(Payload::make({.body = "1"}), options, now));

    const Received received = queue.receive({.max_messages = 2}, now);

    ASSERT_EQ(received.deliveries.size(), 2U);
    EXPECT_EQ(received.deliveries[1].payload.body(), "1");
}

TEST(PriorityTests, AGroupAtItsLimitWaitsHoweverUrgent) {
    const Instant now{hours(24 * 365 * 56)};
    Queue queue({.groups = {.fairness = Fairness::off, .max_in_flight_per_group = 1}});
    const Traits urgent{.priority = 0};
    for (const char* body : {"a", "b"}) {
        const SendOptions options{.group = "g", .traits = &urgent};
        ASSERT_TRUE(queue.send(Payload::make({.body = body}), options, now));
    }
    ASSERT_TRUE(queue.send(Payload::make({.body = "c"}), {.group = "other"}, now));

    const Received received = queue.receive({.max_messages = 10}, now);

    ASSERT_EQ(received.deliveries.size(), 2U);
    EXPECT_EQ(received.deliveries[0].payload.body(), "a");
    EXPECT_EQ(received.deliveries[1].payload.body(), "c");
    queue.check();
}

}  // namespace
}  // namespace tranter::engine
