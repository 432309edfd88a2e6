#include "engine/queue.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct UniqueSend {
    Duration unique_for{};
    Duration delay{};
    std::string_view group{};
    std::uint8_t priority = priority_default;
};

class UniquenessTest : public testing::Test {
  public:
    ~UniquenessTest() override = default;

  protected:
    static MessageId id(std::uint8_t number) { return {number, 1, 2, 3}; }
    static QueuePolicy rules() { return {.retention = {}}; }

    Result<Sent> try_send(
        Queue& queue, std::uint8_t number, std::string_view key, Uniqueness mode, UniqueSend options
    ) {
        const Traits traits{
            .priority = options.priority,
            .uniqueness = mode,
            .unique_key = std::string(key),
            .unique_for = options.unique_for};
        auto sent = queue.send(
            Payload::make({.body = std::to_string(number), .id = id(number)}),
            {.delay = options.delay, .group = options.group, .traits = &traits},
            now
        );
        queue.check();
        return sent;
    }
    Sent send(
        Queue& queue,
        std::uint8_t number,
        std::string_view key,
        Uniqueness mode,
        UniqueSend options = {}
    ) {
        return try_send(queue, number, key, mode, options).value();
    }
    std::vector<Delivery> receive(Queue& queue, std::uint32_t max = 10) {
        std::vector<Delivery> got = queue.receive({.max_messages = max}, now).deliveries;
        queue.check();
        return got;
    }
    std::string bodies(Queue& queue) {
        std::string all;
        for (const Delivery& delivery : receive(queue))
            all += std::string(delivery.payload.body()) + " ";
        return all;
    }
    void put_back(Queue& queue, const Delivery& delivery, Duration delay = {}) {
        const Settle back{
            .kind = Settle::Kind::put_back, .receipt = delivery.receipt, .delay = delay};
        ASSERT_TRUE(queue.settle(back, now));
        queue.check();
    }
    void restore(const Queue& queue, Queue& again) {
        std::vector<Stored> stored;
        for (const MessageView& view : queue.list(0, 0, 100))
            stored.push_back(queue.stored(view.slot, view.sequence).value());
        again.restore(std::move(stored), queue.stored_deduplication(), queue.last_sequence(), now);
        again.check();
    }

    Instant now{hours(24 * 365 * 56)};
};

TEST_F(UniquenessTest, SimpleRefusesASecondWhileTheFirstIsHeld) {
    Queue queue(rules());
    const Sent first = send(queue, 1, "k", Uniqueness::simple);

    const Sent waiting = send(queue, 2, "k", Uniqueness::simple);
    const std::vector<Delivery> held = receive(queue);
    const Sent in_flight = send(queue, 3, "k", Uniqueness::simple);
    put_back(queue, held.at(0), hours(1));
    const Sent delayed = send(queue, 4, "k", Uniqueness::simple);

    for (const Sent& duplicate : {waiting, in_flight, delayed}) {
        EXPECT_TRUE(duplicate.duplicate);
        EXPECT_EQ(duplicate.id, id(1));
        EXPECT_EQ(duplicate.sequence, first.sequence);
    }
    EXPECT_EQ(queue.messages(), 1U);
    EXPECT_EQ(queue.counters().deduplicated, 3U);
}

TEST_F(UniquenessTest, SimpleAcceptsTheNextOnceTheFirstIsGone) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::simple);
    ASSERT_TRUE(queue.acknowledge(receive(queue).at(0).receipt, now).value());

    EXPECT_FALSE(send(queue, 2, "k", Uniqueness::simple).duplicate);
    EXPECT_FALSE(send(queue, 3, "other", Uniqueness::simple).duplicate);
    EXPECT_EQ(queue.messages(), 2U);
}

TEST_F(UniquenessTest, ADuplicateNeverHitsTheLimitOfItsGroup) {
    QueuePolicy policy = rules();
    policy.groups.max_queued_per_group = 1;
    Queue queue(policy);
    send(queue, 1, "k", Uniqueness::keep_latest, {.group = "g"});

    EXPECT_TRUE(send(queue, 2, "k", Uniqueness::simple, {.group = "g"}).duplicate);
    EXPECT_TRUE(send(queue, 3, "k", Uniqueness::keep_latest, {.group = "g"}).replaced);
    const auto other = try_send(queue, 4, "other", Uniqueness::simple, {.group = "g"});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code(), Errc::limit_exceeded);
}

TEST_F(UniquenessTest, AThrottleOutlivesItsMessage) {
    Queue queue(rules());
    const Sent first = send(queue, 1, "k", Uniqueness::throttle, {.unique_for = minutes(1)});
    ASSERT_TRUE(queue.acknowledge(receive(queue).at(0).receipt, now).value());
    now += minutes(1) - Duration(1);

    const Sent inside = send(queue, 2, "k", Uniqueness::throttle, {.unique_for = minutes(1)});
    now += Duration(1);
    EXPECT_EQ(queue.next_event(), now);
    const Sent after = send(queue, 3, "k", Uniqueness::throttle, {.unique_for = minutes(1)});

    EXPECT_TRUE(inside.duplicate);
    EXPECT_EQ(inside.id, id(1));
    EXPECT_EQ(inside.sequence, first.sequence);
    EXPECT_FALSE(after.duplicate);
}

TEST_F(UniquenessTest, AThrottleEndsWhileItsMessageStillWaits) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::throttle, {.unique_for = minutes(1)});
    now += minutes(1);

    EXPECT_FALSE(send(queue, 2, "k", Uniqueness::throttle, {.unique_for = minutes(1)}).duplicate);
    EXPECT_EQ(queue.messages(), 2U);
}

TEST_F(UniquenessTest, AThrottleSurvivesARestart) {
    Queue queue(rules());
    const Sent first = send(queue, 1, "k", Uniqueness::throttle, {.unique_for = minutes(2)});
    ASSERT_TRUE(queue.acknowledge(receive(queue).at(0).receipt, now).value());
    now += minutes(1);

    Queue again(rules());
    restore(queue, again);

    EXPECT_EQ(again.throttled_as("k"), first.sequence);
    EXPECT_TRUE(send(again, 2, "k", Uniqueness::throttle, {.unique_for = minutes(2)}).duplicate);
    now += minutes(1);
    EXPECT_FALSE(send(again, 3, "k", Uniqueness::throttle, {.unique_for = minutes(2)}).duplicate);
    EXPECT_EQ(again.deduplication_ids(), 1U);
}

TEST_F(UniquenessTest, PurgeForgetsThrottlesAndKeys) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::throttle, {.unique_for = hours(1)});
    send(queue, 2, "s", Uniqueness::simple);

    const auto debris = queue.purge(now);

    EXPECT_FALSE(send(queue, 3, "k", Uniqueness::throttle, {.unique_for = hours(1)}).duplicate);
    EXPECT_FALSE(send(queue, 4, "s", Uniqueness::simple).duplicate);
}

TEST_F(UniquenessTest, DebounceReplacesTheOneThatWaitsAndBeginsItsDelayAgain) {
    Queue queue(rules());
    const Sent first = send(queue, 1, "k", Uniqueness::debounce, {.delay = seconds(10)});
    now += seconds(9);
    const Sent second = send(queue, 2, "k", Uniqueness::debounce, {.delay = seconds(10)});

    EXPECT_FALSE(second.duplicate);
    ASSERT_TRUE(second.replaced);
    EXPECT_EQ(second.replaced->sequence, first.sequence);
    EXPECT_EQ(second.id, id(1));
    EXPECT_GT(second.sequence, first.sequence);
    now += seconds(9);
    EXPECT_EQ(bodies(queue), "");
    now += seconds(1);
    const std::vector<Delivery> got = receive(queue);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].payload.body(), "2");
    EXPECT_EQ(got[0].payload.id(), id(1));
    EXPECT_EQ(got[0].sent_at, now - seconds(10));
    EXPECT_TRUE(queue.take_ended().empty());
}

TEST_F(UniquenessTest, DebounceDelaysNoLongerThanItsLimitSinceTheFirstSend) {
    Queue queue(rules());
    const UniqueSend options{.unique_for = seconds(15), .delay = seconds(10)};
    send(queue, 1, "k", Uniqueness::debounce, options);
    now += seconds(9);
    send(queue, 2, "k", Uniqueness::debounce, options);

    Queue again(rules());
    restore(queue, again);
    now += seconds(5);
    send(again, 3, "k", Uniqueness::debounce, options);

    EXPECT_EQ(bodies(again), "");
    now += seconds(1);
    EXPECT_EQ(bodies(again), "3 ");
}

TEST_F(UniquenessTest, DebounceKeepsThePlaceOfOneWhoseLimitIsOver) {
    Queue queue(rules());
    const UniqueSend options{.unique_for = seconds(5), .delay = seconds(5)};
    send(queue, 1, "k", Uniqueness::debounce, options);
    now += seconds(5);
    send(queue, 2, "", Uniqueness::none);

    send(queue, 3, "k", Uniqueness::debounce, options);

    EXPECT_EQ(bodies(queue), "3 2 ");
}

TEST_F(UniquenessTest, DebounceDoesNotCountOneThatRuns) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::debounce);
    const std::vector<Delivery> running = receive(queue);

    const Sent next = send(queue, 2, "k", Uniqueness::debounce);
    const Sent third = send(queue, 3, "k", Uniqueness::debounce);

    EXPECT_FALSE(next.replaced);
    ASSERT_TRUE(third.replaced);
    EXPECT_EQ(third.id, id(2));
    EXPECT_EQ(queue.messages(), 2U);
    EXPECT_TRUE(queue.acknowledge(running.at(0).receipt, now).value());
}

TEST_F(UniquenessTest, KeepLatestKeepsThePlaceInLineAndTheDelay) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::keep_latest);
    send(queue, 2, "", Uniqueness::none);
    send(queue, 3, "k", Uniqueness::keep_latest, {.delay = minutes(1)});
    EXPECT_EQ(bodies(queue), "3 2 ");

    send(queue, 4, "d", Uniqueness::keep_latest, {.delay = seconds(10)});
    now += seconds(9);
    send(queue, 5, "d", Uniqueness::keep_latest);
    EXPECT_EQ(bodies(queue), "");
    now += seconds(1);
    EXPECT_EQ(bodies(queue), "5 ");
}

TEST_F(UniquenessTest, KeepLatestHoldsOneBackForTheOneThatRuns) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::keep_latest);
    const Delivery running = receive(queue).at(0);
    for (const std::uint8_t number : {2, 3, 4})
        send(queue, number, "k", Uniqueness::keep_latest);

    EXPECT_EQ(queue.messages(), 2U);
    EXPECT_EQ(bodies(queue), "");
    EXPECT_EQ(queue.counters().visible, 1U);
    EXPECT_EQ(queue.find(id(2), now).value().state, MessageView::State::visible);
    ASSERT_TRUE(queue.settle({.receipt = running.receipt}, now));
    EXPECT_EQ(bodies(queue), "4 ");
}

TEST_F(UniquenessTest, KeepLatestBeginsOnlyOneOfThoseInLine) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::keep_latest);
    const Delivery first = receive(queue).at(0);
    send(queue, 2, "k", Uniqueness::keep_latest);
    send(queue, 3, "", Uniqueness::none);
    put_back(queue, first);
    EXPECT_EQ(queue.counters().visible, 3U);

    const std::vector<Delivery> got = receive(queue);

    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[0].payload.body(), "1");
    EXPECT_EQ(got[1].payload.body(), "3");
    EXPECT_EQ(queue.counters().visible, 1U);
    ASSERT_TRUE(queue.acknowledge(got[0].receipt, now).value());
    EXPECT_EQ(bodies(queue), "2 ");
}

/// Every way in which a message leaves its flight.
TEST_F(UniquenessTest, KeepLatestGoesOnHoweverTheOtherEnds) {
    using End = std::function<void(Queue&, const Delivery&)>;
    const Settle::Kind complete = Settle::Kind::complete;
    const std::vector<End> ends{
        [&](Queue& queue, const Delivery& held) {
            ASSERT_TRUE(queue.settle({.kind = complete, .receipt = held.receipt}, now));
        },
        [&](Queue& queue, const Delivery& held) {
            ASSERT_TRUE(queue.acknowledge(held.receipt, now).value());
        },
        [&](Queue& queue, const Delivery& held) { put_back(queue, held, hours(1)); },
        [&](Queue& queue, const Delivery& held) {
            Transfer taken;
            const Settle out{.kind = Settle::Kind::take_out, .receipt = held.receipt};
            ASSERT_TRUE(queue.settle(out, now, &taken));
        },
        [&](Queue& queue, const Delivery& held) {
            ASSERT_TRUE(queue.cancel(id(1), now));
            ASSERT_TRUE(queue.change_visibility(held.receipt, {}, now));
        },
        [&](Queue&, const Delivery&) { now += hours(2) - minutes(1); },  // its age
    };
    for (const End& end : ends) {
        QueuePolicy policy = rules();
        policy.retention = hours(2);
        Queue queue(policy);
        send(queue, 1, "k", Uniqueness::keep_latest);
        const Delivery held = queue.receive({.visibility_timeout = hours(9)}, now).deliveries.at(0);
        now += minutes(1);
        send(queue, 2, "k", Uniqueness::keep_latest);
        EXPECT_EQ(bodies(queue), "");

        end(queue, held);

        EXPECT_EQ(bodies(queue), "2 ");
    }
}

TEST_F(UniquenessTest, KeepLatestLetsTheOneThatComesBackGoFirst) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::keep_latest);
    const Delivery taken_back = receive(queue).at(0);
    send(queue, 2, "k", Uniqueness::keep_latest);
    queue.take_back(taken_back.receipt, now);
    EXPECT_EQ(receive(queue).at(0).payload.body(), "1");

    now += seconds(30);  // the end of its lease

    const std::vector<Delivery> got = receive(queue);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].payload.body(), "1");
}

TEST_F(UniquenessTest, KeepLatestHoldsBackWhatItsDelayOrAPromotionMakesVisible) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::keep_latest);
    const Delivery running = receive(queue).at(0);
    send(queue, 2, "k", Uniqueness::keep_latest, {.delay = seconds(10)});
    EXPECT_EQ(queue.counters().delayed, 1U);

    ASSERT_TRUE(queue.promote(id(2), now));

    EXPECT_EQ(queue.counters().visible, 1U);
    EXPECT_EQ(bodies(queue), "");
    EXPECT_EQ(queue.promote(id(2), now).error().code(), Errc::conflict);
    ASSERT_TRUE(queue.acknowledge(running.receipt, now).value());
    EXPECT_EQ(bodies(queue), "2 ");
}

TEST_F(UniquenessTest, WhatIsHeldBackMayLeaveAndCountsInItsGroup) {
    QueuePolicy policy = rules();
    policy.groups.max_queued_per_group = 1;
    Queue queue(policy);
    send(queue, 1, "k", Uniqueness::keep_latest, {.group = "g"});
    const Delivery running = receive(queue).at(0);
    send(queue, 2, "k", Uniqueness::keep_latest, {.group = "g"});

    EXPECT_FALSE(try_send(queue, 3, "", Uniqueness::none, {.group = "g"}));
    EXPECT_EQ(queue.cancel(id(2), now).value(), CancelResult::removed);
    queue.check();
    send(queue, 4, "k", Uniqueness::keep_latest, {.group = "g"});
    EXPECT_EQ(queue.take_out(id(4), now).value().payload.body(), "4");
    queue.check();
    send(queue, 5, "k", Uniqueness::keep_latest, {.group = "g"});
    MoveProgress progress;
    EXPECT_EQ(queue.move_out({.max = 10}, progress, now).size(), 1U);
    queue.check();
    send(queue, 6, "k", Uniqueness::keep_latest, {.group = "g"});
    ASSERT_TRUE(queue.acknowledge(running.receipt, now).value());
    EXPECT_EQ(bodies(queue), "6 ");
}

TEST_F(UniquenessTest, WhatRanBeforeARestartHoldsBackAfterIt) {
    for (const Order order : {Order::none, Order::fifo}) {
        QueuePolicy policy = rules();
        policy.groups.order = order;
        Queue queue(policy);
        send(queue, 1, "k", Uniqueness::keep_latest, {.group = "a"});
        const Delivery running = receive(queue).at(0);
        send(queue, 2, "k", Uniqueness::keep_latest, {.group = "b"});

        Queue again(policy);
        restore(queue, again);

        EXPECT_EQ(again.counters().visible, 1U);
        EXPECT_EQ(bodies(again), "");
        ASSERT_TRUE(again.acknowledge(running.receipt, now).value());
        EXPECT_EQ(bodies(again), "2 ");
    }
}

TEST_F(UniquenessTest, ARestartAfterTheLeaseLetsBothGo) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::keep_latest);
    receive(queue);
    send(queue, 2, "k", Uniqueness::keep_latest);

    Queue again(rules());
    now += seconds(31);
    restore(queue, again);

    EXPECT_EQ(receive(again).size(), 1U);
    EXPECT_EQ(again.counters().visible, 1U);
}

TEST_F(UniquenessTest, AHeldMessageOfAFifoGroupBlocksThoseBehindIt) {
    Queue queue({.retention = {}, .groups = {.order = Order::fifo}});
    send(queue, 1, "k", Uniqueness::keep_latest, {.group = "a"});
    const Delivery running = receive(queue).at(0);
    send(queue, 2, "k", Uniqueness::keep_latest, {.group = "b"});
    send(queue, 3, "", Uniqueness::none, {.group = "b"});
    EXPECT_EQ(bodies(queue), "");

    ASSERT_TRUE(queue.acknowledge(running.receipt, now).value());

    EXPECT_EQ(bodies(queue), "2 3 ");
}

TEST_F(UniquenessTest, OneReceiveOfAFifoQueueBeginsOneOfAKey) {
    Queue queue({.retention = {}, .groups = {.order = Order::fifo}});
    Queue source(rules());
    for (const std::uint8_t number : {1, 2, 3}) {
        const std::string group(1, static_cast<char>('a' + number));
        send(source, number, "k", Uniqueness::keep_latest, {.group = group});
        queue.move_in(source.take_out(id(number), now).value(), now);
    }

    const std::vector<Delivery> got = receive(queue);

    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].payload.body(), "1");
}

TEST_F(UniquenessTest, AnotherModeTakesThePlaceOfWhatIsHeldBackAndBegins) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::keep_latest);
    const Delivery running = receive(queue).at(0);
    send(queue, 2, "k", Uniqueness::keep_latest);

    ASSERT_TRUE(send(queue, 3, "k", Uniqueness::debounce).replaced);

    EXPECT_EQ(bodies(queue), "3 ");
    EXPECT_TRUE(queue.acknowledge(running.receipt, now).value());
}

TEST_F(UniquenessTest, DeadLettersOfOneKeyAreAllShown) {
    Queue source(rules());
    Queue dead(rules());
    for (const std::uint8_t number : {1, 2}) {
        send(source, number, "k", Uniqueness::keep_latest);
        Transfer transfer = source.take_out(id(number), now).value();
        transfer.source_queue = 7;
        dead.move_in(std::move(transfer), now);
    }

    EXPECT_EQ(bodies(dead), "1 2 ");
}

TEST_F(UniquenessTest, AReplacementGoesBehindWhenItsPriorityOrGroupIsAnother) {
    QueuePolicy policy = rules();
    policy.groups.fairness = Fairness::off;
    Queue queue(policy);
    send(queue, 1, "k", Uniqueness::keep_latest);
    send(queue, 2, "", Uniqueness::none);
    send(queue, 3, "k", Uniqueness::keep_latest, {.group = "g"});
    EXPECT_EQ(queue.counters().visible, 2U);
    EXPECT_EQ(bodies(queue), "2 3 ");

    send(queue, 4, "l", Uniqueness::keep_latest, {.priority = 6});
    send(queue, 5, "", Uniqueness::none, {.priority = 6});
    send(queue, 6, "l", Uniqueness::keep_latest, {.priority = 5});
    EXPECT_EQ(bodies(queue), "6 5 ");
}

TEST_F(UniquenessTest, AReplacedMessageBeginsAnew) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::keep_latest);
    const Delivery first = receive(queue).at(0);
    ASSERT_TRUE(queue.set_note(first.receipt, "note", now));
    put_back(queue, first);

    send(queue, 2, "k", Uniqueness::keep_latest);

    const Delivery second = receive(queue).at(0);
    EXPECT_EQ(second.receive_count, 1U);
    EXPECT_EQ(second.note, "");
    EXPECT_EQ(queue.settle({.receipt = first.receipt}, now).error().code(), Errc::not_found);
    EXPECT_EQ(queue.bytes(), 1U);
}

TEST_F(UniquenessTest, OfTwoThatWaitTheNewestIsReplaced) {
    Queue queue(rules());
    send(queue, 1, "k", Uniqueness::keep_latest);
    const Delivery running = receive(queue).at(0);
    send(queue, 2, "k", Uniqueness::keep_latest);
    put_back(queue, running);

    EXPECT_EQ(send(queue, 3, "k", Uniqueness::keep_latest).id, id(2));
    const Delivery again = receive(queue).at(0);
    EXPECT_EQ(again.payload.body(), "1");
    ASSERT_TRUE(queue.acknowledge(again.receipt, now).value());
    EXPECT_EQ(bodies(queue), "3 ");
}

TEST_F(UniquenessTest, AMessageFromAnotherQueueHoldsItsKey) {
    Queue source(rules());
    Queue queue(rules());
    send(source, 1, "k", Uniqueness::simple);
    queue.move_in(source.take_out(id(1), now).value(), now);

    EXPECT_FALSE(send(source, 2, "k", Uniqueness::simple).duplicate);
    const Sent duplicate = send(queue, 3, "k", Uniqueness::simple);
    EXPECT_TRUE(duplicate.duplicate);
    EXPECT_EQ(duplicate.id, id(1));
}

TEST_F(UniquenessTest, FifoQueuesPutAReplacementAtTheEndOfItsGroup) {
    Queue queue({.retention = {}, .groups = {.order = Order::fifo}});
    send(queue, 1, "k", Uniqueness::keep_latest, {.group = "g"});
    send(queue, 2, "", Uniqueness::none, {.group = "g"});
    send(queue, 3, "k", Uniqueness::keep_latest, {.group = "g"});

    EXPECT_EQ(bodies(queue), "2 3 ");
}

TEST_F(UniquenessTest, OneKeyMayBeHeldByManyAndIsFreeWhenAllAreGone) {
    Queue source(rules());
    Queue queue(rules());
    constexpr std::uint8_t many = 5;
    for (std::uint8_t i = 1; i <= many; ++i) {
        send(source, i, "k", Uniqueness::simple);
        queue.move_in(source.take_out(id(i), now).value(), now);
    }
    queue.check();
    for (const std::uint8_t gone : {3, 5, 1, 2}) {
        EXPECT_EQ(queue.cancel(id(gone), now).value(), CancelResult::removed);
        queue.check();
    }
    EXPECT_EQ(send(queue, 9, "k", Uniqueness::simple).id, id(4));
    EXPECT_EQ(queue.cancel(id(4), now).value(), CancelResult::removed);
    EXPECT_FALSE(send(queue, 9, "k", Uniqueness::simple).duplicate);
}

}  // namespace
}  // namespace tranter::engine
