#include "engine/queue.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace tranter::engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class QueueJobsTest : public testing::Test {
  public:
    ~QueueJobsTest() override = default;

  protected:
    static MessageId id(std::uint32_t number) {
        MessageId id{};
        std::memcpy(id.data(), &number, sizeof number);
        return id;
    }
    static QueuePolicy rules() { return {.retention = {}}; }

    Sent send(
        Queue& queue,
        std::uint32_t number,
        const Traits& traits = {},
        Duration delay = {},
        std::string_view group = {}
    ) {
        const Sent sent = queue
                              .send(
                                  Payload::make({.body = std::to_string(number), .id = id(number)}),
                                  {.delay = delay, .group = group, .traits = &traits},
                                  now
                              )
                              .value();
        return sent;
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
    Result<MessageView> settle(
        Queue& queue,
        Settle::Kind kind,
        const Receipt& receipt,
        Duration delay = {},
        bool counts = true
    ) {
        auto settled =
            queue.settle({.kind = kind, .receipt = receipt, .delay = delay, .counts = counts}, now);
        queue.check();
        return settled;
    }
    /// What a restart at this moment makes of it.
    void restart(const Queue& queue, Queue& again) {
        std::vector<Stored> stored;
        for (const MessageView& view : queue.list(0, 0, 1000))
            stored.push_back(queue.stored(view.slot, view.sequence).value());
        again.restore(std::move(stored), queue.stored_deduplication(), queue.last_sequence(), now);
        again.check();
    }

    Instant now{hours(24 * 365 * 56)};
};

TEST_F(QueueJobsTest, CompleteRemovesWhatTheReceiptHolds) {
    Queue queue(rules());
    send(queue, 1);
    const Delivery held = receive(queue).at(0);

    const auto settled = settle(queue, Settle::Kind::complete, held.receipt);

    ASSERT_TRUE(settled);
    EXPECT_EQ(settled->payload.id(), id(1));
    EXPECT_EQ(settled->receive_count, 1U);
    EXPECT_EQ(settled->state, MessageView::State::in_flight);
    EXPECT_EQ(queue.messages(), 0U);
    EXPECT_EQ(queue.counters().deleted, 1U);
    const auto again = settle(queue, Settle::Kind::complete, held.receipt);
    EXPECT_EQ(again.error().code(), Errc::not_found);
}

TEST_F(QueueJobsTest, SettlingIsRefusedOnceTheLeaseHasEnded) {
    Queue queue(rules());
    send(queue, 1);
    const Delivery held = receive(queue).at(0);
    now += seconds(30);

    for (const auto kind :
         {Settle::Kind::complete, Settle::Kind::put_back, Settle::Kind::take_out}) {
        EXPECT_EQ(settle(queue, kind, held.receipt).error().code(), Errc::conflict);
    }
    EXPECT_EQ(queue.extend(held.receipt, seconds(5), now).error().code(), Errc::conflict);
    EXPECT_EQ(queue.set_note(held.receipt, "note", now).error().code(), Errc::conflict);
    EXPECT_EQ(bodies(queue), "1 ");
    EXPECT_EQ(settle(queue, Settle::Kind::complete, held.receipt).error().code(), Errc::conflict);
}

TEST_F(QueueJobsTest, PutBackWithADelayFreesTheSlotOfTheGroupAtOnce) {
    QueuePolicy policy = rules();
    policy.groups.max_in_flight_per_group = 1;
    Queue queue(policy);
    send(queue, 1, {}, {}, "g");
    send(queue, 2, {}, {}, "g");
    const Delivery held = receive(queue).at(0);
    EXPECT_EQ(bodies(queue), "");

    ASSERT_TRUE(settle(queue, Settle::Kind::put_back, held.receipt, hours(13)));

    EXPECT_EQ(queue.counters().delayed, 1U);
    const Delivery next = receive(queue).at(0);
    EXPECT_EQ(next.payload.id(), id(2));
    ASSERT_TRUE(settle(queue, Settle::Kind::complete, next.receipt));
    now += hours(13) - Duration(1);
    EXPECT_EQ(bodies(queue), "");
    now += Duration(1);
    EXPECT_EQ(bodies(queue), "1 ");
}

TEST_F(QueueJobsTest, ADeliveryThatDoesNotCountIsForgotten) {
    Queue queue(rules());
    send(queue, 1);
    const Delivery held = receive(queue).at(0);

    ASSERT_TRUE(settle(queue, Settle::Kind::put_back, held.receipt, {}, false));

    const auto state = queue.delivery_state(held.receipt.slot, held.receipt.sequence).value();
    EXPECT_EQ(state.receive_count, 0U);
    EXPECT_EQ(state.first_received_at, Instant{});
    const Delivery again = receive(queue).at(0);
    EXPECT_EQ(again.receive_count, 1U);
    EXPECT_EQ(again.receipt.delivery, 2U);
    EXPECT_EQ(settle(queue, Settle::Kind::complete, held.receipt).error().code(), Errc::conflict);
}

TEST_F(QueueJobsTest, AReceiptCannotHideWhatWasPutBackWithADelay) {
    Queue queue(rules());
    send(queue, 1);
    const Delivery held = receive(queue).at(0);
    ASSERT_TRUE(settle(queue, Settle::Kind::put_back, held.receipt, minutes(1)));

    const auto hidden = queue.change_visibility(held.receipt, seconds(10), now);

    EXPECT_EQ(hidden.error().code(), Errc::conflict);
    EXPECT_EQ(queue.counters().delayed, 1U);
    queue.check();
}

TEST_F(QueueJobsTest, ADeliveryIsUncountedOnce) {
    Queue queue(rules());
    send(queue, 1);
    const Delivery held = receive(queue).at(0);
    ASSERT_TRUE(settle(queue, Settle::Kind::put_back, held.receipt, {}, false));
    ASSERT_TRUE(queue.change_visibility(held.receipt, seconds(10), now));

    ASSERT_TRUE(settle(queue, Settle::Kind::put_back, held.receipt, {}, false));

    EXPECT_EQ(receive(queue).at(0).receive_count, 1U);
}

TEST_F(QueueJobsTest, FifoGroupsWaitForWhatWasPutBack) {
    Queue queue({.retention = {}, .groups = {.order = Order::fifo}});
    send(queue, 1, {}, {}, "g");
    send(queue, 2, {}, {}, "g");
    const Delivery held = receive(queue, 1).at(0);

    ASSERT_TRUE(settle(queue, Settle::Kind::put_back, held.receipt, seconds(5)));
    EXPECT_EQ(bodies(queue), "");
    now += seconds(5);

    EXPECT_EQ(bodies(queue), "1 2 ");
}

TEST_F(QueueJobsTest, TakeOutHandsOverEverythingButTheDeadline) {
    Queue queue(rules());
    const Traits traits{
        .priority = 2,
        .max_receives = 7,
        .deadline = now + hours(1),
        .uniqueness = Uniqueness::simple,
        .unique_key = "k"};
    send(queue, 1, traits, {}, "g");
    const Delivery held = receive(queue).at(0);
    ASSERT_TRUE(queue.set_note(held.receipt, "note", now));
    Transfer taken;

    const auto settled =
        queue.settle({.kind = Settle::Kind::take_out, .receipt = held.receipt}, now, &taken);

    ASSERT_TRUE(settled);
    EXPECT_EQ(settled->note, "note");
    EXPECT_EQ(taken.note, "note");
    EXPECT_EQ(taken.receive_count, 1U);
    Traits expected = traits;
    expected.deadline = {};
    EXPECT_EQ(taken.traits, expected);
    EXPECT_EQ(queue.messages(), 0U);
    EXPECT_EQ(queue.counters().dead_lettered, 1U);
    EXPECT_EQ(queue.bytes(), 0U);
    queue.check();
}

TEST_F(QueueJobsTest, ExtendKnowsNoTwelveHours) {
    Queue queue(rules());
    send(queue, 1);
    const Delivery held = receive(queue).at(0);

    EXPECT_FALSE(queue.extend(held.receipt, hours(24 * 30), now).value());
    now += hours(24 * 30) - Duration(1);
    EXPECT_FALSE(queue.extend(held.receipt, seconds(10), now).value());
    now += seconds(10);

    EXPECT_EQ(queue.extend(held.receipt, seconds(10), now).error().code(), Errc::conflict);
}

TEST_F(QueueJobsTest, NotesStayWithTheMessageAndCountAsBytes) {
    Queue queue(rules());
    send(queue, 1);
    const Delivery held = receive(queue).at(0);
    ASSERT_TRUE(queue.set_note(held.receipt, "a longer note", now));
    ASSERT_TRUE(queue.set_note(held.receipt, "note", now));
    EXPECT_EQ(queue.bytes(), 5U);
    now += seconds(30);

    const Delivery again = receive(queue).at(0);

    EXPECT_EQ(again.note, "note");
    Queue restarted(rules());
    restart(queue, restarted);
    EXPECT_EQ(restarted.find(id(1), now)->note, "note");
    EXPECT_EQ(restarted.bytes(), 5U);
    ASSERT_TRUE(settle(queue, Settle::Kind::complete, again.receipt));
    EXPECT_EQ(queue.bytes(), 0U);
}

TEST_F(QueueJobsTest, FindSeesEveryMessageThatCameOrWentSinceTheIndexWasMade) {
    Queue queue(rules());
    constexpr std::uint32_t many = 2000;
    for (std::uint32_t i = 0; i < many; ++i)
        send(queue, i);
    EXPECT_TRUE(queue.find(id(7), now));
    for (std::uint32_t i = 0; i < many; i += 2)
        ASSERT_EQ(queue.cancel(id(i), now).value(), CancelResult::removed);
    for (std::uint32_t i = many; i < 2 * many; ++i)
        send(queue, i);

    queue.check();
    for (std::uint32_t i = 0; i < 2 * many; ++i) {
        const auto found = queue.find(id(i), now);
        ASSERT_EQ(found.has_value(), i >= many || i % 2 == 1) << i;
        if (found) {
            EXPECT_EQ(found->payload.body(), std::to_string(i));
        }
    }
    const auto debris = queue.purge(now);
    EXPECT_FALSE(queue.find(id(1), now));
    send(queue, 1);
    EXPECT_TRUE(queue.find(id(1), now));
}

TEST_F(QueueJobsTest, FindShowsWhereAMessageStands) {
    Queue queue(rules());
    send(queue, 1, {.priority = 3, .max_receives = 4, .deadline = now + hours(1)}, minutes(1));

    const MessageView delayed = queue.find(id(1), now).value();
    EXPECT_EQ(delayed.state, MessageView::State::delayed);
    EXPECT_EQ(delayed.due, now + minutes(1));
    EXPECT_EQ(delayed.priority, 3);
    EXPECT_EQ(delayed.max_receives, 4U);
    EXPECT_EQ(delayed.deadline, now + hours(1));
    EXPECT_EQ(delayed.received_at, Instant{});
    now += minutes(1);
    EXPECT_EQ(queue.find(id(1), now)->state, MessageView::State::visible);
    receive(queue);
    const MessageView running = queue.find(id(1), now).value();
    EXPECT_EQ(running.state, MessageView::State::in_flight);
    EXPECT_EQ(running.received_at, now);
}

TEST_F(QueueJobsTest, CancelRemovesWhatWaitsAndAsksForWhatRuns) {
    Queue queue(rules());
    send(queue, 1);
    send(queue, 2, {}, hours(1));
    const Delivery held = receive(queue).at(0);

    EXPECT_EQ(queue.cancel(id(1), now).value(), CancelResult::requested);
    EXPECT_EQ(queue.cancel(id(2), now).value(), CancelResult::removed);
    EXPECT_EQ(queue.cancel(id(3), now).error().code(), Errc::not_found);

    EXPECT_TRUE(queue.find(id(1), now)->cancel_requested);
    EXPECT_TRUE(queue.extend(held.receipt, seconds(30), now).value());
    EXPECT_TRUE(queue.take_ended().empty());
    ASSERT_TRUE(settle(queue, Settle::Kind::complete, held.receipt));
    EXPECT_TRUE(queue.take_ended().empty());
}

TEST_F(QueueJobsTest, ACancelledMessageEndsInsteadOfComingBack) {
    const auto come_back = [&](Queue& queue, const Receipt& receipt, int way) {
        if (way == 0) now += seconds(30);
        if (way == 1) {
            EXPECT_TRUE(settle(queue, Settle::Kind::put_back, receipt, minutes(1)));
        }
        if (way == 2) {
            EXPECT_TRUE(queue.change_visibility(receipt, {}, now));
        }
        if (way == 3) queue.take_back(receipt, now);
        queue.advance(now);
        queue.check();
    };
    for (const Order order : {Order::none, Order::fifo}) {
        for (const int way : {0, 1, 2, 3}) {
            Queue queue({.retention = {}, .groups = {.order = order}});
            send(queue, 1, {}, {}, "g");
            const Delivery held = receive(queue).at(0);
            ASSERT_EQ(queue.cancel(id(1), now).value(), CancelResult::requested);

            come_back(queue, held.receipt, way);

            const std::vector<Ended> ended = queue.take_ended();
            ASSERT_EQ(ended.size(), 1U) << way;
            EXPECT_EQ(ended[0].why, Ended::Why::cancelled);
            EXPECT_EQ(ended[0].message.payload.id(), id(1));
            EXPECT_EQ(ended[0].message.state, MessageView::State::in_flight);
            EXPECT_EQ(queue.messages(), 0U);
            EXPECT_TRUE(queue.take_ended().empty());
        }
    }
}

TEST_F(QueueJobsTest, ARequestToCancelSurvivesARestart) {
    Queue queue(rules());
    send(queue, 1);
    receive(queue);
    ASSERT_TRUE(queue.cancel(id(1), now));

    Queue early(rules());
    restart(queue, early);
    EXPECT_TRUE(early.find(id(1), now)->cancel_requested);
    now += seconds(30);
    Queue late(rules());
    restart(queue, late);

    EXPECT_EQ(late.messages(), 0U);
    ASSERT_EQ(late.take_ended().size(), 1U);
    EXPECT_EQ(bodies(late), "");
}

TEST_F(QueueJobsTest, PromoteMakesADelayedMessageVisible) {
    Queue queue(rules());
    send(queue, 1, {}, hours(24 * 365));

    ASSERT_TRUE(queue.promote(id(1), now));

    EXPECT_EQ(queue.promote(id(1), now).error().code(), Errc::conflict);
    EXPECT_EQ(bodies(queue), "1 ");
    EXPECT_EQ(queue.promote(id(1), now).error().code(), Errc::conflict);
    EXPECT_EQ(queue.promote(id(2), now).error().code(), Errc::not_found);
}

TEST_F(QueueJobsTest, TakeOutByIdTakesOnlyWhatIsNotInFlight) {
    Queue queue(rules());
    send(queue, 1, {.deadline = now + hours(1)});
    send(queue, 2);
    EXPECT_EQ(queue.take_out(id(1), now)->traits.deadline, now + hours(1));
    receive(queue);

    EXPECT_EQ(queue.take_out(id(2), now).error().code(), Errc::conflict);
    EXPECT_EQ(queue.take_out(id(1), now).error().code(), Errc::not_found);
}

TEST_F(QueueJobsTest, AMovedMessageWhoseReceivesWereForgottenBeginsAnew) {
    Queue source(rules());
    Queue target(rules());
    send(source, 1, {.max_receives = 1});
    now += seconds(1);
    const Delivery held = receive(source).at(0);
    ASSERT_TRUE(settle(source, Settle::Kind::put_back, held.receipt));
    Transfer transfer = source.take_out(id(1), now).value();
    EXPECT_EQ(transfer.receive_count, 1U);
    transfer.receive_count = 0;

    target.move_in(std::move(transfer), now);

    const Delivery again = receive(target).at(0);
    EXPECT_EQ(again.receive_count, 1U);
    EXPECT_EQ(again.first_received_at, now);
    now += seconds(30);
    const Received dead = target.receive({.max_messages = 1}, now);
    EXPECT_EQ(dead.dead.size(), 1U);
}

TEST_F(QueueJobsTest, ItsOwnReceiveLimitGoesBeforeTheQueues) {
    QueuePolicy policy = rules();
    policy.max_receives = 2;
    policy.visibility_timeout = seconds(1);
    Queue queue(policy);
    send(queue, 1, {.max_receives = 1});
    send(queue, 2);
    send(queue, 3, {.max_receives = 3});
    EXPECT_EQ(bodies(queue), "1 2 3 ");
    now += seconds(1);

    // An own limit counts even where there is no dead-letter queue.
    const Received second = queue.receive({.max_messages = 10, .keep_exhausted = true}, now);
    ASSERT_EQ(second.dead.size(), 1U);
    EXPECT_EQ(second.dead[0].payload.id(), id(1));
    EXPECT_EQ(second.deliveries.size(), 2U);
    now += seconds(1);
    const Received third = queue.receive({.max_messages = 10}, now);
    ASSERT_EQ(third.dead.size(), 1U);
    EXPECT_EQ(third.dead[0].payload.id(), id(2));
    EXPECT_EQ(third.deliveries.size(), 1U);
}

TEST_F(QueueJobsTest, AMessageEndsAtItsDeadlineUnlessItIsInFlight) {
    Queue queue(rules());
    const Traits traits{.deadline = now + seconds(10)};
    send(queue, 1, traits);
    const Delivery held = receive(queue).at(0);
    send(queue, 2, traits);
    send(queue, 3, traits, minutes(1));
    EXPECT_EQ(queue.next_event(), now + seconds(10));
    now += seconds(10);

    EXPECT_EQ(bodies(queue), "");

    const std::vector<Ended> ended = queue.take_ended();
    ASSERT_EQ(ended.size(), 2U);
    EXPECT_EQ(ended[0].message.payload.id(), id(2));
    EXPECT_EQ(ended[1].message.state, MessageView::State::delayed);
    EXPECT_EQ(ended[1].why, Ended::Why::expired);
    EXPECT_EQ(queue.counters().expired, 2U);
    EXPECT_GT(queue.next_event(), now);
    ASSERT_TRUE(settle(queue, Settle::Kind::complete, held.receipt));
}

TEST_F(QueueJobsTest, ADeadlineThatPassedInFlightCountsWhenTheMessageComesBack) {
    for (const int way : {0, 1, 2, 3}) {
        Queue queue(rules());
        send(queue, 1, {.deadline = now + seconds(10)});
        const Delivery held = receive(queue).at(0);
        now += seconds(10);
        queue.advance(now);
        EXPECT_EQ(queue.messages(), 1U);

        if (way == 0) now += seconds(20);
        if (way == 1) {
            EXPECT_TRUE(settle(queue, Settle::Kind::put_back, held.receipt));
        }
        if (way == 2) {
            EXPECT_TRUE(queue.change_visibility(held.receipt, {}, now));
        }
        if (way == 3) queue.take_back(held.receipt, now);
        queue.advance(now);

        const std::vector<Ended> ended = queue.take_ended();
        ASSERT_EQ(ended.size(), 1U) << way;
        EXPECT_EQ(ended[0].why, Ended::Why::expired);
        EXPECT_EQ(queue.messages(), 0U);
        queue.check();
    }
}

TEST_F(QueueJobsTest, ADeadlineSurvivesARestart) {
    Queue queue(rules());
    send(queue, 1, {.deadline = now + seconds(10)});
    now += seconds(10);
    Queue again(rules());

    restart(queue, again);

    EXPECT_EQ(again.take_ended().size(), 1U);
    EXPECT_EQ(again.messages(), 0U);
}

TEST_F(QueueJobsTest, DeadlinesOfMessagesThatAreGoneDoNotPileUp) {
    Queue queue(rules());
    constexpr std::uint32_t many = 10'000;
    for (std::uint32_t i = 0; i < many; ++i) {
        send(queue, i, {.deadline = now + hours(24)});
        ASSERT_TRUE(queue.acknowledge(queue.receive({}, now).deliveries.at(0).receipt, now));
    }
    send(queue, many, {.deadline = now + hours(48)});
    queue.check();

    now += hours(47);
    queue.advance(now);

    EXPECT_EQ(queue.next_event(), now + hours(1));
}

TEST_F(QueueJobsTest, RetentionOfZeroIsForEver) {
    Queue queue(rules());
    send(queue, 1);
    EXPECT_EQ(queue.next_event(), std::nullopt);
    now += hours(24 * 365 * 100);

    EXPECT_EQ(bodies(queue), "1 ");
}

TEST_F(QueueJobsTest, TimesOfManyYearsNeitherOverflowNorComeEarly) {
    Queue queue({.retention = Duration::max()});
    const Duration lifetime = hours(24 * 365 * 60);
    send(queue, 1, {.deadline = Instant::max()}, lifetime);
    send(queue, 2, {}, Duration::max());
    now += lifetime - Duration(1);
    EXPECT_EQ(bodies(queue), "");
    now += Duration(1);

    const std::vector<Delivery> got = receive(queue);

    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].first_received_at, now);
    const auto kept = queue.delivery_state(got[0].receipt.slot, got[0].receipt.sequence);
    EXPECT_EQ(kept->first_received_at, now - now.time_since_epoch() % seconds(1));
    EXPECT_TRUE(queue.extend(got[0].receipt, Duration::max(), now));
    now += lifetime;
    EXPECT_EQ(queue.counters().in_flight, 1U);
    EXPECT_EQ(bodies(queue), "");
}

TEST_F(QueueJobsTest, APausedQueueHandsOutNothing) {
    for (const Order order : {Order::none, Order::fifo}) {
        QueuePolicy policy{.retention = {}, .groups = {.order = order}, .paused = true};
        Queue queue(policy);
        send(queue, 1, {.deadline = now + seconds(5)});
        send(queue, 2);
        EXPECT_EQ(bodies(queue), "");
        now += seconds(5);
        queue.advance(now);
        EXPECT_EQ(queue.take_ended().size(), 1U);

        policy.paused = false;
        queue.set_policy(policy, now);

        EXPECT_EQ(bodies(queue), "2 ");
    }
}

TEST_F(QueueJobsTest, ListGoesOnAfterAMessageThatIsThereOrGone) {
    Queue queue(rules());
    Queue other(rules());
    constexpr std::uint32_t many = 30;
    for (std::uint32_t i = 0; i < many; ++i) {
        if (i % 3 == 0) {
            send(other, i);
            queue.move_in(other.take_out(id(i), now).value(), now);
        } else {
            send(queue, i);
        }
    }
    for (const bool gone : {false, true}) {
        std::vector<std::uint32_t> seen;
        std::uint32_t slot = 0;
        Sequence after = 0;
        for (;;) {
            const std::vector<MessageView> page = queue.list(slot, after, 4);
            if (page.empty()) break;
            for (const MessageView& view : page)
                seen.push_back(static_cast<std::uint32_t>(view.sequence));
            slot = page.back().slot;
            after = page.back().sequence;
            if (gone) {
                ASSERT_TRUE(queue.cancel(page.back().payload.id(), now));
            }
        }
        ASSERT_EQ(seen.size(), many);
        for (std::uint32_t i = 0; i < many; ++i)
            EXPECT_EQ(seen[i], i + 1);
    }
    EXPECT_TRUE(queue.list(0, 0, 0).empty());
}

TEST_F(QueueJobsTest, ManyThatComeBackInOrderDoNotSearchTheWholeLine) {
    Queue queue({.visibility_timeout = hours(1), .retention = {}, .max_in_flight = 0});
    constexpr std::uint32_t many = 100'000;
    for (std::uint32_t i = 0; i < many; ++i)
        send(queue, i, {.priority = 7});
    std::vector<Delivery> held = queue.receive({.max_messages = many}, now).deliveries;
    ASSERT_EQ(held.size(), many);

    // Takes minutes when each of them looks at all before it.
    for (const Delivery& delivery : held) {
        const Settle back{
            .kind = Settle::Kind::put_back, .receipt = delivery.receipt, .counts = false};
        ASSERT_TRUE(queue.settle(back, now));
    }

    queue.check();
    EXPECT_EQ(receive(queue, 1).at(0).payload.body(), "0");
}

}  // namespace
}  // namespace tranter::engine
