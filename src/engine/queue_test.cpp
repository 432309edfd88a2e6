#include "engine/queue.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tranter::engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class QueueTest : public testing::Test {
  protected:
    static QueuePolicy fifo() { return {.groups = {.order = Order::fifo}}; }

    static Payload payload(
        std::string_view body, std::string_view deduplication_id = {}, std::uint8_t id = 0
    ) {
        return Payload::make({.body = body, .deduplication_id = deduplication_id, .id = {id}});
    }
    Sent send(Queue& queue, std::string_view body, std::string_view group = {}) {
        return *queue.send(payload(body), {.group = group}, now);
    }
    std::vector<Delivery> receive(Queue& queue, std::uint32_t max = 10) {
        return queue.receive({.max_messages = max}, now).deliveries;
    }
    std::string bodies(Queue& queue, std::uint32_t max = 10) {
        std::string all;
        for (const Delivery& delivery : receive(queue, max))
            all += delivery.payload.body();
        return all;
    }
    void pass(Duration duration) { now += duration; }

    Instant now{hours(24 * 365 * 56)};
};

TEST_F(QueueTest, HidesADeliveredMessageUntilItsLeaseEnds) {
    Queue queue({});
    send(queue, "a");

    EXPECT_EQ(bodies(queue), "a");
    pass(seconds(30) - Duration(1));
    EXPECT_EQ(bodies(queue), "");
    pass(Duration(1));
    EXPECT_EQ(receive(queue).at(0).receive_count, 2U);
}

TEST_F(QueueTest, StandardQueuesAcceptTheReceiptOfAnEarlierDelivery) {
    Queue queue({});
    send(queue, "a");
    const Receipt first = receive(queue).at(0).receipt;
    pass(seconds(31));
    std::ignore = receive(queue);

    EXPECT_TRUE(queue.acknowledge(first, now).value());
    EXPECT_FALSE(queue.acknowledge(first, now).value());
}

TEST_F(QueueTest, FifoQueuesRefuseTheReceiptOfALapsedDelivery) {
    Queue queue(fifo());
    send(queue, "a", "g");
    const Receipt receipt = receive(queue).at(0).receipt;
    pass(seconds(30));

    const auto result = queue.acknowledge(receipt, now);

    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Errc::conflict);
}

// SQS_SPEC 11.2: the recorded example.
TEST_F(QueueTest, FillsAReceiveFromOneGroupBeforeTheNext) {
    Queue queue(fifo());
    for (const char* body : {"1", "2", "3", "4"})
        send(queue, body, "g1");
    send(queue, "x", "g2");
    send(queue, "y", "g3");

    EXPECT_EQ(bodies(queue, 2), "12");
    EXPECT_EQ(bodies(queue, 1), "x");
    EXPECT_EQ(bodies(queue, 10), "y");
}

// SQS_SPEC 11.3: the recorded example.
TEST_F(QueueTest, StopsBeforeAMessageOfTheGroupThatIsStillLeased) {
    Queue queue(fifo());
    for (const char* body : {"1", "2", "3"})
        send(queue, body, "g");
    const auto deliveries = receive(queue);
    EXPECT_TRUE(queue.change_visibility(deliveries.at(1).receipt, minutes(5), now));
    pass(seconds(30));

    EXPECT_EQ(bodies(queue), "1");
}

TEST_F(QueueTest, KeepsAGroupsOrderWhenItsHeadComesBack) {
    Queue queue(fifo());
    for (const char* body : {"1", "2", "3"})
        send(queue, body, "g");
    const auto deliveries = receive(queue, 2);
    EXPECT_EQ(bodies(queue), "");

    EXPECT_TRUE(queue.change_visibility(deliveries[0].receipt, Duration::zero(), now));
    EXPECT_TRUE(queue.acknowledge(deliveries[1].receipt, now));

    EXPECT_EQ(bodies(queue), "13");
}

TEST_F(QueueTest, RecognisesDuplicatesForFiveMinutesFromTheFirstSend) {
    Queue queue(fifo());
    const Sent first = *queue.send(payload("a", "id"), {.group = "g"}, now);
    EXPECT_TRUE(queue.acknowledge(receive(queue).at(0).receipt, now));
    pass(minutes(5) - Duration(1));

    const Sent duplicate = *queue.send(payload("b", "id"), {.group = "h"}, now);
    EXPECT_TRUE(duplicate.duplicate);
    EXPECT_EQ(duplicate.sequence, first.sequence);
    pass(Duration(1));
    EXPECT_FALSE(queue.send(payload("c", "id"), {.group = "g"}, now)->duplicate);
}

TEST_F(QueueTest, MessageGroupScopeKeepsEqualIdsOfOtherGroupsApart) {
    QueuePolicy policy = fifo();
    policy.deduplication_scope = DeduplicationScope::message_group;
    Queue queue(policy);
    std::ignore = queue.send(payload("a", "id"), {.group = "g"}, now);

    EXPECT_FALSE(queue.send(payload("b", "id"), {.group = "h"}, now)->duplicate);
    EXPECT_TRUE(queue.send(payload("b", "id"), {.group = "g"}, now)->duplicate);
}

TEST_F(QueueTest, RepeatsAReceiveWithTheSameAttemptId) {
    Queue queue(fifo());
    send(queue, "1", "g");
    send(queue, "2", "g");
    const ReceiveOptions options{.max_messages = 1, .attempt_id = "try"};
    const auto first = queue.receive(options, now).deliveries;
    pass(seconds(20));

    const auto again = queue.receive(options, now).deliveries;

    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].receipt, first.at(0).receipt);
    EXPECT_EQ(again[0].visible_at, now + seconds(30));
    EXPECT_EQ(again[0].receive_count, 1U);
}

TEST_F(QueueTest, ALostAnswerTakesNothingFromTheRetryThatHasTheSameMessages) {
    Queue queue(fifo());
    send(queue, "a", "g");
    const ReceiveOptions attempt{.max_messages = 10, .attempt_id = "try"};
    const Receipt lost = queue.receive(attempt, now).deliveries.at(0).receipt;
    const Receipt held = queue.receive(attempt, now).deliveries.at(0).receipt;

    queue.take_back(lost, now);

    EXPECT_EQ(bodies(queue), "");
    EXPECT_TRUE(queue.acknowledge(held, now).value());
}

TEST_F(QueueTest, WhenTheAnswersToAllRetriesAreLostTheMessagesAreTakenBack) {
    Queue queue(fifo());
    send(queue, "a", "g");
    const ReceiveOptions attempt{.max_messages = 10, .attempt_id = "try"};
    for (int tries = 0; tries < 3; ++tries)
        std::ignore = queue.receive(attempt, now);
    const Receipt lost = queue.receive(attempt, now).deliveries.at(0).receipt;

    for (int tries = 0; tries < 3; ++tries) {
        queue.take_back(lost, now);
        EXPECT_EQ(bodies(queue), "");
    }
    queue.take_back(lost, now);

    EXPECT_EQ(receive(queue).at(0).receive_count, 1U);
}

TEST_F(QueueTest, ReturnsExhaustedMessagesInsteadOfDeliveringThem) {
    Queue queue({.max_receives = 2});
    send(queue, "poison");
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(bodies(queue), "poison");
        pass(seconds(30));
    }

    const Received received = queue.receive({}, now);

    EXPECT_TRUE(received.deliveries.empty());
    ASSERT_EQ(received.dead.size(), 1U);
    EXPECT_EQ(received.dead[0].receive_count, 2U);
    EXPECT_EQ(queue.counters().visible, 0U);
}

TEST_F(QueueTest, DeliversOnceInACallWithoutALease) {
    Queue queue({});
    send(queue, "a");

    const auto received =
        queue.receive({.max_messages = 10, .visibility_timeout = Duration::zero()}, now);

    EXPECT_EQ(received.deliveries.size(), 1U);
    EXPECT_EQ(queue.counters().visible, 1U);
    EXPECT_EQ(queue.counters().in_flight, 0U);
}

TEST_F(QueueTest, CountsOfTheQueueNeverGoBack) {
    Queue queue({});
    send(queue, "a");
    const Receipt lost = receive(queue).at(0).receipt;

    queue.take_back(lost, now);

    EXPECT_EQ(queue.counters().received, 1U);
    EXPECT_EQ(queue.counters().taken_back, 1U);
}

TEST_F(QueueTest, ATakenBackDeliveryDoesNotCountAndComesFirst) {
    Queue queue({});
    send(queue, "a");
    send(queue, "b");
    const auto lost = receive(queue, 1);

    queue.take_back(lost.at(0).receipt, now);

    const auto next = receive(queue, 1);
    EXPECT_EQ(next.at(0).payload.body(), "a");
    EXPECT_EQ(next.at(0).receive_count, 1U);
    EXPECT_NE(next.at(0).receipt, lost[0].receipt);
}

TEST_F(QueueTest, OneThatTakesOutDeadLettersOnlySaysWhetherSomethingAliveStandsThere) {
    for (const QueuePolicy& policy : {QueuePolicy{}, fifo()}) {
        Queue queue(policy);
        send(queue, "a", "g");
        const ReceiveOptions dead_only{.only_dead_until = queue.last_sequence()};

        const Received alive = queue.receive(dead_only, now);
        std::ignore = queue.receive({}, now);
        const Received empty = queue.receive(dead_only, now);

        EXPECT_TRUE(alive.alive_left);
        EXPECT_TRUE(alive.deliveries.empty());
        EXPECT_FALSE(empty.alive_left);
    }
}

TEST_F(QueueTest, CountsWhatTimeChanges) {
    Queue queue({.retention = minutes(5)});
    std::ignore = queue.send(payload("delayed"), {.delay = seconds(10)}, now);
    send(queue, "leased");
    std::ignore = receive(queue, 1);
    EXPECT_EQ(queue.changes_by_time(), 0U);

    for (const Duration step : {seconds(10), seconds(20), seconds(300)}) {
        const std::uint64_t before = queue.changes_by_time();
        pass(step);
        queue.advance(now);
        EXPECT_GT(queue.changes_by_time(), before) << "after " << step.count();
    }
}

TEST_F(QueueTest, ExpiresMessagesInEveryState) {
    Queue queue({.retention = minutes(1)});
    send(queue, "leased");
    std::ignore = queue.receive({.visibility_timeout = hours(1)}, now);
    send(queue, "visible");
    std::ignore = queue.send(payload("delayed"), {.delay = minutes(10)}, now);
    pass(minutes(1));

    queue.advance(now);

    const Counters counters = queue.counters();
    EXPECT_EQ(counters.expired, 3U);
    EXPECT_EQ(counters.visible + counters.in_flight + counters.delayed, 0U);
    EXPECT_EQ(counters.bytes, 0U);
}

TEST_F(QueueTest, ChangingAFifoDelayHoldsForWaitingMessages) {
    Queue queue(fifo());
    send(queue, "a", "g");
    QueuePolicy delayed = fifo();
    delayed.delay = seconds(10);

    queue.set_policy(delayed, now);

    EXPECT_EQ(bodies(queue), "");
    pass(seconds(10));
    EXPECT_EQ(bodies(queue), "a");
}

TEST_F(QueueTest, ChangingAFifoDelayLeavesAloneWhatWasPutBackWithoutCounting) {
    Queue queue(fifo());
    send(queue, "a", "g");
    const Settle snooze{
        .kind = Settle::Kind::put_back,
        .receipt = receive(queue).at(0).receipt,
        .delay = hours(2),
        .counts = false};
    ASSERT_TRUE(queue.settle(snooze, now));

    QueuePolicy policy = fifo();
    policy.delay = seconds(1);
    pass(seconds(5));
    queue.set_policy(policy, now);

    EXPECT_EQ(bodies(queue), "");
    pass(hours(2) - seconds(5));
    EXPECT_EQ(bodies(queue), "a");
}

TEST_F(QueueTest, RefusesLeasesBeyondTwelveHours) {
    Queue queue({});
    send(queue, "a");
    const Receipt receipt = receive(queue).at(0).receipt;
    EXPECT_TRUE(queue.change_visibility(receipt, hours(12), now));
    pass(seconds(1));

    const auto result = queue.change_visibility(receipt, hours(12), now);

    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Errc::invalid_argument);
}

TEST_F(QueueTest, RoundRobinDelaysAGroupByOneHandOutAtMost) {
    Queue queue({.groups = {.fairness = Fairness::round_robin}});
    for (int i = 0; i < 1000; ++i)
        send(queue, "a", "big");
    for (int i = 0; i < 1000; ++i)
        send(queue, "-");
    send(queue, "b", "small");

    EXPECT_EQ(bodies(queue, 3), "a-b");
    send(queue, "c", "small");
    EXPECT_EQ(bodies(queue, 3), "a-c");
}

TEST_F(QueueTest, LimitsDeliveriesInFlightOfAGroup) {
    Queue queue({.groups = {.fairness = Fairness::round_robin, .max_in_flight_per_group = 1}});
    for (const char* body : {"1", "2"})
        send(queue, body, "g");
    const auto first = receive(queue);
    ASSERT_EQ(first.size(), 1U);

    EXPECT_EQ(bodies(queue), "");
    EXPECT_TRUE(queue.acknowledge(first[0].receipt, now));
    EXPECT_EQ(bodies(queue), "2");
}

TEST_F(QueueTest, RefusesMoreQueuedMessagesOfAGroupThanAllowed) {
    Queue queue({.groups = {.max_queued_per_group = 2}});
    send(queue, "1", "g");
    send(queue, "2", "g");

    const auto refused = queue.send(payload("3"), {.group = "g"}, now);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::limit_exceeded);
    EXPECT_EQ(refused.error().message(), "group g has 2 queued messages, limit is 2");
    std::ignore = receive(queue, 1);
    EXPECT_TRUE(queue.send(payload("3"), {.group = "g"}, now));
}

// SQS_SPEC 10: 30 deliveries in flight and over a tenth of the queue's make a group noisy.
TEST_F(QueueTest, ServesQuietGroupsBeforeANoisyOne) {
    Queue queue({});
    for (int i = 0; i < 40; ++i)
        send(queue, "n", "noisy");
    for (int i = 0; i < 3; ++i)
        std::ignore = receive(queue, 10);
    send(queue, "q", "quiet");
    send(queue, "-");

    EXPECT_EQ(bodies(queue, 3), "q-n");
    EXPECT_EQ(queue.counters().noisy_groups, 1U);
}

TEST_F(QueueTest, PurgeDropsEverythingAndForgetsDuplicates) {
    Queue queue(fifo());
    std::ignore = queue.send(payload("a", "id"), {.group = "g"}, now);
    const Receipt receipt = receive(queue).at(0).receipt;

    queue.purge(now);

    EXPECT_FALSE(queue.acknowledge(receipt, now).value());
    EXPECT_FALSE(queue.send(payload("a", "id"), {.group = "g"}, now)->duplicate);
    EXPECT_EQ(bodies(queue), "a");
}

TEST_F(QueueTest, SaysThatItIsFull) {
    Queue queue({.max_in_flight = 1});
    send(queue, "1");
    send(queue, "2");
    EXPECT_EQ(bodies(queue), "1");

    EXPECT_TRUE(queue.receive({}, now).over_limit);
}

TEST_F(QueueTest, AMovedMessageKeepsItsAgeInAStandardQueue) {
    Queue source({.max_receives = 1});
    Queue target({.retention = minutes(2)});
    send(source, "a");
    std::ignore = receive(source);
    pass(minutes(1));
    Received received = source.receive({}, now);

    target.move_in(std::move(received.dead.at(0)), now);

    EXPECT_EQ(target.oldest(), now) << "a dead letter is as old as its move";
    pass(minutes(1));
    EXPECT_EQ(bodies(target), "") << "but it expires by its first send";
}

TEST_F(QueueTest, OfMovedMessagesThatAreGoneNothingStays) {
    for (const Duration retention : {Duration(hours(96)), Duration::zero()}) {
        Queue queue({.retention = retention});
        queue.move_in({.payload = payload("stays"), .sent_at = now}, now);
        for (int i = 0; i < 10'000; ++i) {
            pass(seconds(1));
            const Sent moved =
                queue.move_in({.payload = payload("goes", {}, 2), .sent_at = now}, now);
            ASSERT_TRUE(queue.take_out(moved.id, now));
        }

        EXPECT_NO_THROW(queue.check());
        EXPECT_EQ(*queue.oldest(), now - seconds(10'000));
    }
}

TEST_F(QueueTest, AMoveLooksAtEachMessageOnce) {
    Queue queue({});
    for (int i = 0; i < 100; ++i)
        send(queue, i % 10 == 0 ? "goes" : "stays");
    int looks = 0;
    const MoveOut wanted{.max = 1, .looks_max = 7, .accept = [&](const MessageView& view) {
                             ++looks;
                             return view.payload.body() == "goes";
                         }};
    MoveProgress progress;
    std::size_t moved = 0;

    while (!progress.done) {
        const auto out = queue.move_out(wanted, progress, now);
        EXPECT_LE(out.size(), 1U);
        moved += out.size();
        send(queue, "goes");  // which came too late
    }

    EXPECT_EQ(moved, 10U);
    EXPECT_EQ(looks, 100);
}

TEST_F(QueueTest, AMoveThatGoesOnPassesNoUnfinishedMessageOfItsGroup) {
    Queue queue(fifo());
    for (const char* body : {"1", "2", "3"})
        send(queue, body, "g");
    const Receipt first = receive(queue, 1).at(0).receipt;
    MoveProgress progress;
    EXPECT_TRUE(queue.move_out({.looks_max = 2}, progress, now).empty());
    ASSERT_TRUE(queue.change_visibility(first, {}, now));

    EXPECT_TRUE(queue.move_out({.max = 10}, progress, now).empty());

    EXPECT_TRUE(progress.done);
    EXPECT_EQ(bodies(queue), "123");
}

TEST_F(QueueTest, WhatIsGivenBackHasItsOldPlace) {
    Queue queue(fifo());
    for (const char* body : {"1", "2", "3", "4"})
        send(queue, body, "g");
    queue.move_in({.payload = payload("5"), .group = "g", .sent_at = now}, now);
    MoveProgress progress;
    auto out = queue.move_out({.max = 2}, progress, now);
    send(queue, "6", "g");  // in a slot of those
    for (std::size_t i = 2; i-- > 0;)
        queue.give_back(std::move(out.at(i)), now);

    EXPECT_NO_THROW(queue.check());
    EXPECT_EQ(queue.move_out({.max = 10}, progress, now).size(), 3U);
    EXPECT_EQ(bodies(queue), "126");
}

TEST_F(QueueTest, AMovedMessageExpiresWhenItsQueueBeginsToForget) {
    Queue queue({.retention = Duration::zero()});
    queue.move_in({.payload = payload("old"), .sent_at = now}, now);
    pass(minutes(10));
    queue.move_in({.payload = payload("new"), .sent_at = now}, now);

    queue.set_policy({.retention = minutes(10)}, now);

    EXPECT_EQ(queue.counters().visible, 1U);
    EXPECT_EQ(queue.next_event(), now + minutes(10));
}

TEST_F(QueueTest, KnowsWhatHasBeenInFlightTheLongest) {
    Queue queue({});
    EXPECT_FALSE(queue.longest_in_flight());
    for (const char* body : {"a", "b", "c"})
        send(queue, body);
    EXPECT_FALSE(queue.longest_in_flight());
    const Instant first = now;
    const Receipt a = receive(queue, 1).at(0).receipt;
    pass(seconds(5));
    const Receipt b = receive(queue, 1).at(0).receipt;

    EXPECT_EQ(queue.longest_in_flight(), first);
    ASSERT_TRUE(queue.change_visibility(a, minutes(5), now));
    EXPECT_EQ(queue.longest_in_flight(), first) << "a renewed lease is no new hand-out";
    ASSERT_TRUE(queue.change_visibility(a, {}, now));
    EXPECT_EQ(queue.longest_in_flight(), first + seconds(5)) << "it was given back";
    pass(seconds(1));
    std::ignore = receive(queue, 2);
    EXPECT_TRUE(queue.acknowledge(b, now).value());
    EXPECT_EQ(queue.longest_in_flight(), first + seconds(6));
    pass(minutes(6));
    queue.advance(now);
    EXPECT_FALSE(queue.longest_in_flight()) << "all leases are over";
    queue.check();
}

TEST_F(QueueTest, HandOutsThatAreOverDoNotPileUp) {
    Queue queue({});
    send(queue, "stays");
    const Instant first = now;
    const Receipt stays = receive(queue, 1).at(0).receipt;
    for (int i = 0; i < 1000; ++i) {
        pass(seconds(1));
        ASSERT_TRUE(queue.change_visibility(stays, minutes(1), now));
        send(queue, "goes");
        EXPECT_TRUE(queue.acknowledge(receive(queue, 1).at(0).receipt, now).value());
    }

    queue.check();
    EXPECT_EQ(queue.longest_in_flight(), first);
    queue.check();
}

TEST_F(QueueTest, OfAPeakInFlightNothingStays) {
    constexpr std::uint32_t peak = 10'000;
    Queue queue({});
    for (std::uint32_t i = 0; i < peak; ++i)
        send(queue, "x");
    std::vector<Receipt> receipts;
    for (const Delivery& delivery : receive(queue, peak))
        receipts.push_back(delivery.receipt);
    const Instant first = now;
    pass(seconds(1));
    send(queue, "last");
    const Receipt last = receive(queue, 1).at(0).receipt;
    ASSERT_EQ(receipts.size(), peak);

    for (std::uint32_t i = 0; i < peak; ++i) {
        EXPECT_TRUE(queue.acknowledge(receipts[i], now).value());
        if (i == 100) {
            EXPECT_EQ(queue.longest_in_flight(), first);
        }
        if (i % 1'000 == 0) queue.check();
    }

    EXPECT_EQ(queue.longest_in_flight(), first + seconds(1));
    queue.check();
    EXPECT_TRUE(queue.acknowledge(last, now).value());
    queue.check();
    EXPECT_FALSE(queue.longest_in_flight());
}

TEST_F(QueueTest, AMessageHiddenAgainAndAgainIsOneHandOut) {
    Queue queue({});
    send(queue, "stays");
    send(queue, "hidden");
    const Instant first = now;
    const std::vector<Delivery> both = receive(queue, 2);
    const Receipt hidden = both.at(1).receipt;
    for (int i = 0; i < 1'000; ++i) {
        ASSERT_TRUE(queue.change_visibility(hidden, {}, now));
        ASSERT_TRUE(queue.change_visibility(hidden, minutes(1), now));
        if (i % 100 == 0) queue.check();
    }

    queue.check();
    EXPECT_EQ(queue.longest_in_flight(), first);
}

TEST_F(QueueTest, APurgeForgetsWhatWasInFlight) {
    Queue queue({});
    send(queue, "a");
    std::ignore = receive(queue);

    const auto debris = queue.purge(now);

    queue.check();
    EXPECT_FALSE(queue.longest_in_flight());
}

}  // namespace
}  // namespace tranter::engine
