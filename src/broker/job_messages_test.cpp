#include "broker/broker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace tranter::broker {
namespace {

using engine::CancelResult;
using engine::MessageId;
using engine::MessageView;
using engine::Settle;
using engine::Traits;
using engine::Uniqueness;
using std::chrono::minutes;
using std::chrono::seconds;

class TurnedClock final : public Clock {
  public:
    Instant now() const override { return Instant(Duration(micros_.load())); }
    void pass(Duration duration) { micros_ += duration.count(); }

  private:
    std::atomic<std::int64_t> micros_{1'000'000'000'000};
};

MessageId id_of(std::uint8_t number) {
    return {number};
}

struct Reported {
    std::string body{};
    Broker::Ending::Why why{};
    bool operator==(const Reported&) const = default;
};
using Why = Broker::Ending::Why;

/// A broker that remembers what ended by itself.
class JobMessagesTest : public testing::Test {
  public:
    ~JobMessagesTest() override = default;

  protected:
    JobMessagesTest() {
        broker.on_ended([this](const QueueHandle&, const std::vector<Broker::Ending>& endings) {
            for (const Broker::Ending& ending : endings) {
                ended.push_back(
                    {.body = std::string(ending.message.payload.body()), .why = ending.why}
                );
            }
        });
    }
    QueueHandle make(std::string_view name, const std::function<void(QueueSettings&)>& set = {}) {
        QueueSettings settings;
        settings.engine.retention = {};
        if (set) set(settings);
        return broker.create_queue(name, std::move(settings)).value();
    }
    /// The body is the number of the id.
    Broker::SendRequest request(std::uint8_t id, engine::SendOptions options = {}) {
        const std::string body = std::to_string(id);
        return {
            .payload = engine::Payload::make({.body = body, .id = id_of(id)}), .options = options};
    }
    engine::Sent send(const QueueHandle& queue, std::uint8_t id, engine::SendOptions options = {}) {
        return broker.send(queue, request(id, options)).sent.value();
    }
    std::vector<engine::Delivery> receive(const QueueHandle& queue, std::uint32_t max = 10) {
        std::vector<engine::Delivery> deliveries;
        std::ignore =
            broker.receive(queue, {.max_messages = max}, false, [&](engine::Received received) {
                deliveries = std::move(received.deliveries);
            });
        return deliveries;
    }
    std::string bodies(const QueueHandle& queue) {
        std::string all;
        for (const engine::Delivery& delivery : receive(queue))
            all += std::string(delivery.payload.body());
        return all;
    }
    Result<MessageView> settle(const QueueHandle& queue, const Settle& settle) {
        return broker.settle(queue, {&settle, 1}).settled.at(0);
    }
    void pass(Duration duration) {
        clock.pass(duration);
        broker.run_due();
    }
    /// Waits for a message; its body once it is there.
    void wait(const QueueHandle& queue) {
        std::ignore = broker.receive(queue, {}, true, [this](engine::Received received) {
            waited.clear();
            for (const engine::Delivery& delivery : received.deliveries)
                waited += std::string(delivery.payload.body());
        });
    }

    TurnedClock clock;
    NullJournal journal;
    Broker broker{{}, clock, journal};
    std::vector<Reported> ended;
    std::string waited;  // what a long poll was answered with
};

// Batches ---------------------------------------------------------------------------------------

TEST_F(JobMessagesTest, ABatchIsSentInOrder) {
    const auto queue = make("q");

    const auto sent = broker.send_all(queue, std::array{request(1), request(2), request(3)});

    ASSERT_TRUE(sent.sent);
    EXPECT_EQ(sent.sent->size(), 3U);
    EXPECT_EQ(sent.sent->at(1).id, id_of(2));
    EXPECT_EQ(bodies(queue), "123");
}

TEST_F(JobMessagesTest, ABatchWhoseGroupIsFullIsRefusedAsAWhole) {
    const auto queue =
        make("q", [](QueueSettings& settings) { settings.engine.groups.max_queued_per_group = 2; });
    send(queue, 1, {.group = "g"});

    const auto refused = broker.send_all(
        queue, std::array{request(2), request(3, {.group = "g"}), request(4, {.group = "g"})}
    );

    ASSERT_FALSE(refused.sent);
    EXPECT_EQ(refused.sent.error().code(), Errc::limit_exceeded);
    const std::string_view why =
        "group g would have 3 queued messages, limit is 2 (max_queued_per_group of queue q); try "
        "again once one of them has begun, or raise the limit";
    EXPECT_EQ(refused.sent.error().message(), why);
    EXPECT_EQ(queue->counters(clock.now()).visible, 1U);
    EXPECT_TRUE(broker.send_all(queue, std::array{request(2), request(3, {.group = "g"})}).sent);
    const auto alone = broker.send(queue, request(4, {.group = "g"}));
    ASSERT_FALSE(alone.sent);
    EXPECT_EQ(alone.sent.error().code(), Errc::limit_exceeded);
    EXPECT_EQ(alone.sent.error().message(), why);
}

TEST_F(JobMessagesTest, ABatchThatDoesNotFitIntoAQuotaIsRefusedAsAWhole) {
    const auto queue = make("q", [](QueueSettings& settings) { settings.bytes_max = 2; });

    EXPECT_FALSE(broker.send_all(queue, std::array{request(1), request(2), request(3)}).sent);

    EXPECT_EQ(queue->counters(clock.now()).visible, 0U);
    EXPECT_TRUE(broker.send_all(queue, std::array{request(1), request(2)}).sent);
}

TEST_F(JobMessagesTest, DuplicatesTakeNoPlaceInAFullGroup) {
    const auto queue = make("q", [](QueueSettings& settings) {
        settings.engine.groups.max_queued_per_group = 3;
        settings.bytes_max = 3;
    });
    const Traits first{.uniqueness = Uniqueness::simple, .unique_key = "a"};
    const Traits second{.uniqueness = Uniqueness::simple, .unique_key = "b"};
    const std::array batch{
        request(1, {.group = "g", .traits = &first}),
        request(2, {.group = "g", .traits = &second}),
        request(3, {.group = "g", .traits = &first})};

    const auto sent = broker.send_all(queue, batch);
    const auto again = broker.send_all(queue, batch);

    ASSERT_TRUE(sent.sent) << sent.sent.error().message();
    EXPECT_FALSE(sent.sent->at(1).duplicate);
    EXPECT_TRUE(sent.sent->at(2).duplicate);
    EXPECT_EQ(sent.sent->at(2).id, id_of(1));
    ASSERT_TRUE(again.sent) << again.sent.error().message();
    EXPECT_TRUE(again.sent->at(0).duplicate);
    EXPECT_EQ(again.sent->at(1).id, id_of(2));
    send(queue, 4, {.group = "g"});
    EXPECT_TRUE(broker.send_all(queue, batch).sent);
    EXPECT_TRUE(broker.send(queue, batch[0]).sent.value().duplicate);
    EXPECT_FALSE(broker.send(queue, request(5, {.group = "g"})).sent);
    EXPECT_EQ(bodies(queue), "124");
}

TEST_F(JobMessagesTest, WhatIsPastItsDeadlineHoldsNoKeyInABatch) {
    const auto queue =
        make("q", [](QueueSettings& settings) { settings.engine.groups.max_queued_per_group = 1; });
    const Traits late{.deadline = clock.now(), .uniqueness = Uniqueness::simple, .unique_key = "a"};
    const Traits simple{.uniqueness = Uniqueness::simple, .unique_key = "a"};

    const auto sent = broker.send_all(
        queue, std::array{request(1, {.traits = &late}), request(2, {.traits = &simple})}
    );

    ASSERT_TRUE(sent.sent);
    EXPECT_EQ(bodies(queue), "2");
    EXPECT_FALSE(broker
                     .send_all(
                         queue,
                         std::array{
                             request(3, {.group = "g", .traits = &late}),
                             request(4, {.group = "g", .traits = &simple})}
                     )
                     .sent);
}

TEST_F(JobMessagesTest, OneOfABatchMayTakeThePlaceOfAnother) {
    const auto queue = make("q");
    const Traits latest{.uniqueness = Uniqueness::keep_latest, .unique_key = "k"};

    const auto sent = broker.send_all(
        queue,
        std::array{
            request(1, {.traits = &latest}),
            request(2),
            request(3, {.traits = &latest}),
            request(4, {.traits = &latest})}
    );

    ASSERT_TRUE(sent.sent);
    EXPECT_TRUE(sent.sent->at(3).replaced);
    EXPECT_EQ(sent.sent->at(3).id, id_of(1));
    EXPECT_EQ(bodies(queue), "42");
}

TEST_F(JobMessagesTest, ABatchWakesWhoWaits) {
    const auto queue = make("q");
    wait(queue);

    ASSERT_TRUE(broker.send_all(queue, std::array{request(1), request(2)}).sent);

    EXPECT_EQ(waited, "1");
}

// Settling --------------------------------------------------------------------------------------

TEST_F(JobMessagesTest, SettledMessagesAreReturnedAsTheyWere) {
    const auto queue = make("q");
    send(queue, 1);
    send(queue, 2, {.group = "g"});
    const auto received = receive(queue);

    const auto result = broker.settle(
        queue,
        std::array{
            Settle{.receipt = received.at(0).receipt}, Settle{.receipt = received.at(1).receipt}}
    );

    ASSERT_TRUE(result.settled.at(1));
    EXPECT_EQ(result.settled.at(1)->payload.body(), "2");
    EXPECT_EQ(result.settled.at(1)->group, "g");
    EXPECT_EQ(result.settled.at(1)->receive_count, 1U);
    EXPECT_EQ(queue->counters(clock.now()).in_flight, 0U);
    EXPECT_TRUE(ended.empty());
}

TEST_F(JobMessagesTest, OnlyWhoHoldsAMessageSettlesIt) {
    const auto queue = make("q");
    send(queue, 1);
    const auto first = receive(queue).at(0).receipt;
    pass(seconds(31));
    const auto second = receive(queue).at(0).receipt;

    const auto late = settle(queue, {.receipt = first});

    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code(), Errc::conflict);
    EXPECT_TRUE(settle(queue, {.receipt = second}));
    EXPECT_EQ(settle(queue, {.receipt = second}).error().code(), Errc::not_found);
}

TEST_F(JobMessagesTest, WhatIsPutBackGoesToWhoWaits) {
    const auto queue = make("q");
    send(queue, 1);
    const auto receipt = receive(queue).at(0).receipt;
    wait(queue);

    ASSERT_TRUE(settle(queue, {.kind = Settle::Kind::put_back, .receipt = receipt}));

    EXPECT_EQ(waited, "1");
}

TEST_F(JobMessagesTest, WhoWaitsGetsWhatWasHeldBackOnceTheOtherEnds) {
    const Traits latest{.uniqueness = Uniqueness::keep_latest, .unique_key = "k"};
    const auto queue = make("q");
    std::uint8_t id = 0;
    const auto run_one_with_another_behind = [&] {
        send(queue, ++id, {.traits = &latest});
        const engine::Delivery running = receive(queue).at(0);
        wait(queue);
        send(queue, ++id, {.traits = &latest});
        EXPECT_EQ(waited, "");
        return running;
    };

    const engine::Delivery completed = run_one_with_another_behind();
    ASSERT_TRUE(settle(queue, {.receipt = completed.receipt}));
    EXPECT_EQ(waited, "2");
    ASSERT_TRUE(broker.purge(queue));

    waited.clear();
    const engine::Delivery lost = run_one_with_another_behind();
    ASSERT_TRUE(broker.cancel(queue, lost.payload.id()).done);
    pass(seconds(30));  // the end of its lease
    EXPECT_EQ(waited, "4");
}

TEST_F(JobMessagesTest, WhatIsPutBackWithADelayIsDueAfterIt) {
    const auto queue = make("q");
    send(queue, 1);
    const auto receipt = receive(queue).at(0).receipt;
    wait(queue);

    ASSERT_TRUE(
        settle(queue, {.kind = Settle::Kind::put_back, .receipt = receipt, .delay = seconds(10)})
    );
    pass(seconds(9));
    EXPECT_EQ(waited, "");
    pass(seconds(1));

    EXPECT_EQ(waited, "1");
}

TEST_F(JobMessagesTest, ATakenOutMessageGoesToTheDeadLetterQueue) {
    const auto dead = make("dead");
    const auto queue =
        make("q", [](QueueSettings& settings) { settings.dead_letter_queue = "dead"; });
    send(queue, 1);
    const auto receipt = receive(queue).at(0).receipt;
    wait(dead);

    const auto settled = settle(queue, {.kind = Settle::Kind::take_out, .receipt = receipt});

    ASSERT_TRUE(settled);
    EXPECT_EQ(settled->payload.body(), "1");
    EXPECT_EQ(waited, "1");
    EXPECT_FALSE(broker.find(queue, id_of(1)));
    EXPECT_TRUE(ended.empty());  // somebody asked for it
}

TEST_F(JobMessagesTest, ATakenOutMessageWithoutADeadLetterQueueIsGone) {
    const auto queue = make("q");
    const auto other =
        make("other", [](QueueSettings& settings) { settings.dead_letter_queue = "never-made"; });
    for (const auto& from : {queue, other}) {
        send(from, 1);
        const auto receipt = receive(from).at(0).receipt;

        EXPECT_TRUE(settle(from, {.kind = Settle::Kind::take_out, .receipt = receipt}));

        EXPECT_FALSE(broker.find(from, id_of(1)));
        EXPECT_EQ(from->counters(clock.now()).visible, 0U);
    }
}

TEST_F(JobMessagesTest, AnExtendedLeaseEndsLater) {
    const auto queue = make("q");
    send(queue, 1);
    const auto receipt = receive(queue).at(0).receipt;
    clock.pass(seconds(20));

    const auto extended = broker.extend(queue, {&receipt, 1}, seconds(30));

    ASSERT_TRUE(extended.cancel_requested.at(0));
    EXPECT_FALSE(*extended.cancel_requested.at(0));
    pass(seconds(29));
    EXPECT_EQ(bodies(queue), "");
    pass(seconds(1));
    EXPECT_EQ(bodies(queue), "1");
    EXPECT_EQ(
        broker.extend(queue, {&receipt, 1}, seconds(30)).cancel_requested.at(0).error().code(),
        Errc::conflict
    );
}

TEST_F(JobMessagesTest, ANoteIsThereForTheNextDelivery) {
    const auto queue = make("q");
    send(queue, 1);
    const auto receipt = receive(queue).at(0).receipt;

    ASSERT_TRUE(broker.set_note(queue, receipt, "step 1"));
    ASSERT_TRUE(broker.set_note(queue, receipt, "step 2"));
    pass(seconds(31));

    EXPECT_EQ(broker.find(queue, id_of(1))->note, "step 2");
    EXPECT_EQ(receive(queue).at(0).note, "step 2");
    EXPECT_EQ(broker.set_note(queue, receipt, "late").error().code(), Errc::conflict);
}

TEST_F(JobMessagesTest, ANoteHasALimit) {
    const auto queue = make("q");
    send(queue, 1);
    const auto receipt = receive(queue).at(0).receipt;

    EXPECT_TRUE(broker.set_note(queue, receipt, std::string(note_bytes_max, 'n')));
    EXPECT_EQ(
        broker.set_note(queue, receipt, std::string(note_bytes_max + 1, 'n')).error().code(),
        Errc::limit_exceeded
    );
}

// Looking, cancelling, moving -------------------------------------------------------------------

TEST_F(JobMessagesTest, AMessageIsFoundByItsIdWhateverItsState) {
    const auto queue = make("q");
    send(queue, 1);
    receive(queue);
    send(queue, 2);
    send(queue, 3, {.delay = minutes(1)});

    EXPECT_EQ(broker.find(queue, id_of(1))->state, MessageView::State::in_flight);
    EXPECT_EQ(broker.find(queue, id_of(2))->state, MessageView::State::visible);
    EXPECT_EQ(broker.find(queue, id_of(3))->state, MessageView::State::delayed);
    EXPECT_EQ(broker.find(queue, id_of(3))->payload.body(), "3");
    EXPECT_FALSE(broker.find(queue, id_of(4)));
}

TEST_F(JobMessagesTest, MessagesAreListedPageByPage) {
    const auto queue = make("q");
    for (std::uint8_t id = 1; id <= 5; ++id)
        send(queue, id);

    const auto first = broker.list(queue, 0, 0, 2);
    const auto second = broker.list(queue, first.at(1).slot, first.at(1).sequence, 10);

    EXPECT_EQ(first.at(1).payload.body(), "2");
    ASSERT_EQ(second.size(), 3U);
    EXPECT_EQ(second.at(0).payload.body(), "3");
}

TEST_F(JobMessagesTest, AWaitingMessageThatIsCancelledIsGone) {
    const auto queue = make("q");
    send(queue, 1, {.delay = minutes(1)});

    const auto cancelled = broker.cancel(queue, id_of(1));

    ASSERT_TRUE(cancelled.done);
    EXPECT_EQ(*cancelled.done, CancelResult::removed);
    ASSERT_TRUE(cancelled.message);
    EXPECT_EQ(cancelled.message->payload.body(), "1");
    EXPECT_EQ(broker.cancel(queue, id_of(1)).done.error().code(), Errc::not_found);
    EXPECT_TRUE(ended.empty());
}

TEST_F(JobMessagesTest, AMessageInFlightThatIsCancelledEndsWithItsLease) {
    const auto queue = make("q");
    send(queue, 1);
    const auto receipt = receive(queue).at(0).receipt;

    EXPECT_EQ(broker.cancel(queue, id_of(1)).done, CancelResult::requested);

    EXPECT_EQ(broker.extend(queue, {&receipt, 1}, seconds(30)).cancel_requested.at(0), true);
    pass(seconds(31));
    EXPECT_EQ(bodies(queue), "");
    EXPECT_EQ(ended, std::vector<Reported>({{.body = "1", .why = Why::cancelled}}));
}

TEST_F(JobMessagesTest, AMessageToBeCancelledIsNotPutBack) {
    const auto queue = make("q");
    send(queue, 1);
    const auto receipt = receive(queue).at(0).receipt;
    EXPECT_EQ(broker.cancel(queue, id_of(1)).done, CancelResult::requested);

    const auto settled = settle(queue, {.kind = Settle::Kind::put_back, .receipt = receipt});

    ASSERT_TRUE(settled);
    EXPECT_TRUE(settled->cancel_requested);
    EXPECT_EQ(ended, std::vector<Reported>({{.body = "1", .why = Why::cancelled}}));
    EXPECT_FALSE(broker.find(queue, id_of(1)));
}

TEST_F(JobMessagesTest, APromotedMessageGoesToWhoWaits) {
    const auto queue = make("q");
    send(queue, 1, {.delay = minutes(1)});
    wait(queue);

    ASSERT_TRUE(broker.promote(queue, id_of(1)));

    EXPECT_EQ(waited, "1");
    EXPECT_EQ(broker.promote(queue, id_of(1)).error().code(), Errc::conflict);
    EXPECT_EQ(broker.promote(queue, id_of(2)).error().code(), Errc::not_found);
}

TEST_F(JobMessagesTest, ADeadLetterIsMovedBackWithItsAttempts) {
    const auto dead = make("dead");
    const auto queue =
        make("q", [](QueueSettings& settings) { settings.dead_letter_queue = "dead"; });
    const Traits twice{.priority = 1, .max_receives = 2};
    send(queue, 1, {.traits = &twice});
    receive(queue);
    pass(seconds(31));
    const auto receipt = receive(queue).at(0).receipt;
    ASSERT_TRUE(settle(queue, {.kind = Settle::Kind::take_out, .receipt = receipt}));
    // Whoever looks at dead letters with SQS gets them, though their receives are used up.
    const auto looked = receive(dead);
    ASSERT_EQ(looked.size(), 1U);
    EXPECT_EQ(broker.move(dead, id_of(1), queue).error().code(), Errc::conflict);
    pass(seconds(31));
    wait(queue);

    ASSERT_TRUE(broker.move(dead, id_of(1), queue));

    EXPECT_EQ(waited, "1");
    EXPECT_FALSE(broker.find(dead, id_of(1)));
    const auto back = broker.find(queue, id_of(1));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->receive_count, 1U);
    EXPECT_EQ(back->priority, 1U);
    EXPECT_EQ(back->max_receives, 2U);
    EXPECT_EQ(broker.move(dead, id_of(1), queue).error().code(), Errc::not_found);
}

TEST_F(JobMessagesTest, AMoveIntoAQueueThatIsGoneLeavesTheMessage) {
    const auto queue = make("q");
    const auto other = make("other");
    send(queue, 1);
    ASSERT_TRUE(broker.delete_queue(other));

    EXPECT_EQ(broker.move(queue, id_of(1), other).error().code(), Errc::not_found);

    EXPECT_EQ(bodies(queue), "1");
}

// What ends by itself ---------------------------------------------------------------------------

TEST_F(JobMessagesTest, AMessageEndsAtItsDeadline) {
    const auto queue = make("q");
    const Traits traits{.deadline = clock.now() + minutes(1)};
    send(queue, 1, {.traits = &traits});

    pass(seconds(59));
    EXPECT_TRUE(ended.empty());
    pass(seconds(2));

    EXPECT_EQ(ended, std::vector<Reported>({{.body = "1", .why = Why::expired}}));
    EXPECT_EQ(bodies(queue), "");
}

TEST_F(JobMessagesTest, WhatEndedWhileSomebodyLookedIsReportedAllTheSame) {
    const auto queue = make("q");
    const Traits traits{.deadline = clock.now() + minutes(1)};
    send(queue, 1, {.traits = &traits});
    clock.pass(minutes(2));

    EXPECT_FALSE(broker.find(queue, id_of(1)));
    EXPECT_EQ(queue->counters(clock.now()).visible, 0U);

    ASSERT_TRUE(broker.next_event());
    EXPECT_LE(*broker.next_event(), clock.now());
    broker.run_due();
    EXPECT_EQ(ended.size(), 1U);
}

TEST_F(JobMessagesTest, AnExhaustedMessageGoesToTheDeadLetterQueueAndIsReported) {
    const auto dead = make("dead");
    const auto queue = make("q", [](QueueSettings& settings) {
        settings.dead_letter_queue = "dead";
        settings.engine.max_receives = 5;
    });
    const Traits once{.max_receives = 1};
    send(queue, 1, {.traits = &once});
    receive(queue);
    pass(seconds(31));

    EXPECT_EQ(bodies(queue), "");

    EXPECT_EQ(ended, std::vector<Reported>({{.body = "1", .why = Why::exhausted}}));
    EXPECT_EQ(bodies(dead), "1");
}

TEST_F(JobMessagesTest, AnExhaustedMessageWithoutADeadLetterQueueIsGoneAndReported) {
    const auto queue = make("q");
    const Traits once{.max_receives = 1};
    send(queue, 1, {.traits = &once});
    receive(queue);
    pass(seconds(31));

    EXPECT_EQ(bodies(queue), "");

    EXPECT_EQ(ended, std::vector<Reported>({{.body = "1", .why = Why::exhausted}}));
    EXPECT_FALSE(broker.find(queue, id_of(1)));
}

// Rules -----------------------------------------------------------------------------------------

TEST_F(JobMessagesTest, AResumedQueueServesWhoWaits) {
    const auto queue = make("q", [](QueueSettings& settings) { settings.engine.paused = true; });
    send(queue, 1);
    EXPECT_EQ(bodies(queue), "");
    wait(queue);

    ASSERT_TRUE(broker.change_settings(queue, [](QueueSettings& settings) {
        settings.engine.paused = false;
        return Result<void>();
    }));

    EXPECT_EQ(waited, "1");
}

TEST_F(JobMessagesTest, RaisedLimitsServeWhoWaits) {
    const auto queue =
        make("q", [](QueueSettings& settings) { settings.engine.max_in_flight = 1; });
    send(queue, 1);
    send(queue, 2);
    EXPECT_EQ(bodies(queue), "1");
    wait(queue);
    EXPECT_EQ(waited, "");

    ASSERT_TRUE(broker.change_settings(queue, [](QueueSettings& settings) {
        settings.engine.max_in_flight = 2;
        return Result<void>();
    }));

    EXPECT_EQ(waited, "2");
}

TEST_F(JobMessagesTest, AnEndedLeaseThatOpensALimitServesWhoWaits) {
    const auto queue = make("q", [](QueueSettings& settings) {
        settings.engine.groups.max_in_flight_per_group = 1;
    });
    send(queue, 1, {.group = "g"});
    send(queue, 2, {.group = "g"});
    const auto receipt = receive(queue, 1).at(0).receipt;
    wait(queue);
    EXPECT_EQ(waited, "");

    ASSERT_TRUE(settle(queue, {.receipt = receipt}));

    EXPECT_EQ(waited, "2");
}

TEST_F(JobMessagesTest, CallsOnADeletedQueueAreNotFound) {
    const auto queue = make("q");
    send(queue, 1);
    const auto receipt = receive(queue).at(0).receipt;
    ASSERT_TRUE(broker.delete_queue(queue));

    EXPECT_EQ(broker.send_all(queue, {}).sent.error().code(), Errc::not_found);
    EXPECT_EQ(settle(queue, {.receipt = receipt}).error().code(), Errc::not_found);
    EXPECT_EQ(
        broker.extend(queue, {&receipt, 1}, seconds(1)).cancel_requested.at(0).error().code(),
        Errc::not_found
    );
    EXPECT_EQ(broker.set_note(queue, receipt, "").error().code(), Errc::not_found);
    EXPECT_EQ(broker.cancel(queue, id_of(1)).done.error().code(), Errc::not_found);
    EXPECT_EQ(broker.promote(queue, id_of(1)).error().code(), Errc::not_found);
    EXPECT_FALSE(broker.find(queue, id_of(1)));
}

}  // namespace
}  // namespace tranter::broker
