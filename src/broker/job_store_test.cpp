#include "broker/queue_state.hpp"
#include "broker/test_store.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace tranter::broker {
namespace {

using engine::MessageId;
using engine::Settle;
using engine::Traits;
using engine::Uniqueness;
using std::chrono::minutes;
using std::chrono::seconds;

/// Jobs in a store that is closed, opened again and compacted.
class JobStoreTest : public StoreTest {
  protected:
    QueueHandle make_jobs(std::string_view name, std::string dead_letters = {}) {
        QueueSettings settings;
        settings.engine.retention = {};
        settings.dead_letter_queue = std::move(dead_letters);
        return make(name, std::move(settings));
    }
    static MessageId id_of(std::uint8_t number) { return {number}; }
    /// The body is the number of the id.
    static Broker::SendRequest request(std::uint8_t id, engine::SendOptions send_options = {}) {
        const std::string body = std::to_string(id);
        return {
            .payload = engine::Payload::make({.body = body, .id = id_of(id)}),
            .options = send_options};
    }
    engine::Sent send_job(
        const QueueHandle& queue, std::uint8_t id, engine::SendOptions send_options = {}
    ) {
        clock.pass(Duration(1000));
        return broker().send(queue, request(id, send_options)).sent.value();
    }
    void report_to(std::vector<std::string>& reported) {
        broker().on_ended([&](const QueueHandle&, const std::vector<Broker::Ending>& endings) {
            for (const Broker::Ending& ending : endings)
                reported.emplace_back(ending.message.payload.body());
        });
    }
    /// Everything that is live is written again.
    void compact_all() {
        for (int i = 0; i < 2; ++i) {
            next_segment();
            compact();
        }
    }
    engine::Stored stored(const QueueHandle& queue, std::uint8_t id) {
        const auto view = broker().find(queue, id_of(id));
        if (!view) return {};
        return queue->state().engine.stored(view->slot, view->sequence).value();
    }
};

const Traits all_traits{
    .priority = 2,
    .max_receives = 7,
    .deadline = Instant(std::chrono::hours(24 * 365 * 90)),
    .uniqueness = Uniqueness::simple,
    .unique_key = "key",
    .unique_for = seconds(5)};

TEST_F(JobStoreTest, TraitsAndNotesOutliveRestartsAndCompaction) {
    const auto queue = make_jobs("q", "dead");
    make_jobs("dead");
    send_job(queue, 1, {.traits = &all_traits});
    const auto receipt = receive(queue).at(0).receipt;
    ASSERT_TRUE(broker().set_note(queue, receipt, "half done"));
    const auto check = [&](std::string_view name, const Traits& traits) {
        const engine::Stored message = stored(find(name), 1);
        EXPECT_EQ(message.traits, traits);
        EXPECT_EQ(message.note, "half done");
    };

    reopen();
    check("q", all_traits);
    compact_all();
    reopen();
    check("q", all_traits);
    const Settle take_out{.kind = Settle::Kind::take_out, .receipt = receipt};
    ASSERT_TRUE(broker().settle(find("q"), {&take_out, 1}).settled.at(0));
    Traits dead = all_traits;
    dead.deadline = {};
    check("dead", dead);
    reopen();
    check("dead", dead);
    compact_all();
    reopen();
    check("dead", dead);
    ASSERT_TRUE(broker().move(find("dead"), id_of(1), find("q")));
    reopen();
    check("q", dead);
    EXPECT_EQ(stored(find("q"), 1).delivery.receive_count, 0U);
}

TEST_F(JobStoreTest, ARequestToCancelOutlivesARestart) {
    const auto queue = make_jobs("q");
    send_job(queue, 1);
    send_job(queue, 2);
    ASSERT_EQ(receive(queue).size(), 2U);
    EXPECT_EQ(broker().cancel(queue, id_of(1)).done, engine::CancelResult::requested);

    reopen();
    EXPECT_TRUE(broker().find(find("q"), id_of(1))->cancel_requested);
    compact_all();
    reopen();
    EXPECT_TRUE(broker().find(find("q"), id_of(1))->cancel_requested);
    clock.pass(minutes(1));

    EXPECT_EQ(bodies(find("q")), "2");
}

TEST_F(JobStoreTest, WhatEndsWhileTheStoreIsClosedIsReportedOnceAfterwards) {
    const auto queue = make_jobs("q");
    const Traits expires{.deadline = clock.now() + minutes(1)};
    send_job(queue, 1, {.traits = &expires});
    send_job(queue, 2);
    ASSERT_EQ(receive(queue).size(), 2U);
    EXPECT_EQ(broker().cancel(queue, id_of(2)).done, engine::CancelResult::requested);
    std::vector<std::string> reported;

    commit();
    clock.pass(minutes(2));
    reopen();
    report_to(reported);
    ASSERT_TRUE(broker().next_event());
    EXPECT_LE(*broker().next_event(), clock.now());
    broker().run_due();
    std::ranges::sort(reported);
    EXPECT_EQ(reported, std::vector<std::string>({"1", "2"}));

    reopen();
    report_to(reported);
    broker().run_due();
    EXPECT_EQ(reported.size(), 2U);
    EXPECT_EQ(bodies(find("q")), "");
}

TEST_F(JobStoreTest, WhatWasReportedIsNotReportedAfterARestart) {
    const auto queue = make_jobs("q");
    const Traits expires{.deadline = clock.now() + minutes(1)};
    send_job(queue, 1, {.traits = &expires});
    std::vector<std::string> reported;
    report_to(reported);
    clock.pass(minutes(2));
    broker().run_due();
    EXPECT_EQ(reported.size(), 1U);

    reopen();
    report_to(reported);
    broker().run_due();

    EXPECT_EQ(reported.size(), 1U);
}

TEST_F(JobStoreTest, AReplacedMessageIsThereOnceAfterARestart) {
    const auto queue = make_jobs("q");
    const Traits latest{.uniqueness = Uniqueness::keep_latest, .unique_key = "k"};
    send_job(queue, 1, {.delay = seconds(30), .traits = &latest});
    const Instant due = broker().find(queue, id_of(1))->due;
    const Instant since = stored(queue, 1).unique_since;
    clock.pass(seconds(5));
    const auto second = send_job(queue, 2, {.traits = &latest});
    ASSERT_TRUE(second.replaced);
    EXPECT_EQ(broker().list(queue, 0, 0, 10).size(), 1U);

    for (int i = 0; i < 2; ++i) {
        reopen();
        const auto messages = broker().list(find("q"), 0, 0, 10);
        ASSERT_EQ(messages.size(), 1U);
        EXPECT_EQ(messages.at(0).payload.id(), id_of(1));
        EXPECT_EQ(messages.at(0).payload.body(), "2");
        EXPECT_EQ(messages.at(0).sequence, second.sequence);
        EXPECT_EQ(messages.at(0).due, due);
        EXPECT_EQ(stored(find("q"), 1).unique_since, since);
        compact_all();
    }
}

TEST_F(JobStoreTest, AUniqueKeyIsHeldAfterARestart) {
    const auto queue = make_jobs("q");
    const Traits simple{.uniqueness = Uniqueness::simple, .unique_key = "k"};
    send_job(queue, 1, {.traits = &simple});

    reopen();
    EXPECT_TRUE(send_job(find("q"), 2, {.traits = &simple}).duplicate);
    compact_all();
    reopen();

    EXPECT_TRUE(send_job(find("q"), 3, {.traits = &simple}).duplicate);
    ASSERT_EQ(*broker().cancel(find("q"), id_of(1)).done, engine::CancelResult::removed);
    reopen();
    EXPECT_FALSE(send_job(find("q"), 4, {.traits = &simple}).duplicate);
}

TEST_F(JobStoreTest, AThrottleOutlivesItsMessage) {
    const auto queue = make_jobs("q");
    const Traits throttle{
        .uniqueness = Uniqueness::throttle, .unique_key = "k", .unique_for = minutes(30)};
    send_job(queue, 1, {.traits = &throttle});
    const Traits live{
        .uniqueness = Uniqueness::throttle, .unique_key = "l", .unique_for = minutes(30)};
    send_job(queue, 2, {.traits = &live});
    EXPECT_EQ(*broker().cancel(queue, id_of(1)).done, engine::CancelResult::removed);

    for (int i = 0; i < 3; ++i) {
        reopen();
        const auto again = send_job(find("q"), 3, {.traits = &throttle});
        EXPECT_TRUE(again.duplicate);
        EXPECT_EQ(again.id, id_of(1));
        EXPECT_TRUE(send_job(find("q"), 3, {.traits = &live}).duplicate);
        compact_all();
    }

    clock.pass(minutes(31));
    EXPECT_FALSE(send_job(find("q"), 4, {.traits = &throttle}).duplicate);
}

// A batch whose records the log has only in part ------------------------------------------------

class OpenBatchTest : public JobStoreTest {
  protected:
    /// Writes the first of two records of a batch, as a log has it whose end is torn.
    void begin_batch(const QueueHandle& queue, engine::Sequence sequence, std::uint32_t slot) {
        const engine::Payload payload = request(9).payload;
        broker().journal().append(record::MessageSent{
            .queue = queue->id(),
            .slot = slot,
            .sequence = sequence,
            .payload = &payload,
            .group = {},
            .at = clock.now(),
            .batch = {.member = true, .left = 1}});
    }
};

TEST_F(OpenBatchTest, NothingOfItIsThereNowOrLater) {
    const auto queue = make_jobs("q");
    const auto sent = send_job(queue, 1);
    begin_batch(queue, sent.sequence + 1, sent.slot + 1);

    reopen();
    EXPECT_EQ(broker().list(find("q"), 0, 0, 10).size(), 1U);
    reopen();
    send_job(find("q"), 2);
    reopen();

    EXPECT_EQ(bodies(find("q")), "1 2");
}

TEST_F(OpenBatchTest, NothingOfItIsThereWhenTheLogIsCompacted) {
    const auto queue = make_jobs("q");
    const auto sent = send_job(queue, 1);
    begin_batch(queue, sent.sequence + 1, sent.slot + 1);
    reopen();
    send_job(find("q"), 2);
    compact_all();

    reopen();

    EXPECT_EQ(bodies(find("q")), "1 2");
}

// What compaction leaves of one: the first of its records is gone, and what deletes it is not.
TEST_F(OpenBatchTest, NothingOfItIsThereWhenOnlyItsEndIsLeft) {
    const auto queue = make_fifo("q.fifo");
    const auto sent = send(queue, "x", {.group = "g"}, "id0");
    const engine::Payload payload = engine::Payload::make({.body = "y", .deduplication_id = "id1"});
    broker().journal().append(record::MessageSent{
        .queue = queue->id(),
        .slot = sent.slot + 1,
        .sequence = sent.sequence + 2,
        .payload = &payload,
        .group = "g",
        .at = clock.now(),
        .batch = {.member = true, .left = 1}});
    broker().journal().append(record::MessageDeleted{
        .queue = queue->id(), .slot = sent.slot, .sequence = sent.sequence + 1});

    reopen();

    EXPECT_EQ(find("q.fifo")->counters(clock.now()).visible, 1U);
    EXPECT_FALSE(send(find("q.fifo"), "y", {.group = "g"}, "id1").duplicate);
}

TEST_F(OpenBatchTest, WhatItWouldHaveReplacedIsStillThere) {
    const auto queue = make_jobs("q");
    const Traits latest{.uniqueness = Uniqueness::keep_latest, .unique_key = "k"};
    const auto sent = send_job(queue, 1, {.traits = &latest});
    engine::Stored message = stored(queue, 1);
    message.payload = request(9).payload;
    message.sequence = sent.sequence + 1;
    message.slot = sent.slot + 1;
    broker().journal().append(record::MessageReplaced{
        .queue = queue->id(),
        .replaced = {.slot = sent.slot, .sequence = sent.sequence},
        .message = &message,
        .at = clock.now(),
        .batch = {.member = true, .left = 1}});

    reopen();
    reopen();

    EXPECT_EQ(bodies(find("q")), "1");
}

TEST_F(OpenBatchTest, WhatIsLeftOfADamagedOneStays) {
    const auto queue = make_jobs("q");
    const auto sent = send_job(queue, 1);
    begin_batch(queue, sent.sequence + 5, sent.slot + 5);
    broker().journal().append(record::MessageDeleted{
        .queue = queue->id(), .slot = sent.slot, .sequence = sent.sequence});

    reopen();

    EXPECT_EQ(bodies(find("q")), "9");
}

TEST_F(JobStoreTest, AWholeBatchIsThereAfterARestart) {
    const auto queue = make_jobs("q");
    const Traits latest{.uniqueness = Uniqueness::keep_latest, .unique_key = "k"};
    send_job(queue, 1, {.traits = &latest});
    ASSERT_TRUE(broker()
                    .send_all(
                        queue,
                        std::array{
                            request(2),
                            request(3, {.traits = &latest}),
                            request(4, {.traits = &latest}),
                            request(5)}
                    )
                    .sent);

    for (int i = 0; i < 3; ++i) {
        reopen();
        const auto messages = broker().list(find("q"), 0, 0, 10);
        ASSERT_EQ(messages.size(), 3U);
        EXPECT_EQ(messages.at(0).payload.body(), "2");
        EXPECT_EQ(messages.at(1).payload.body(), "4");
        EXPECT_EQ(messages.at(1).payload.id(), id_of(1));
        EXPECT_EQ(messages.at(2).payload.body(), "5");
        compact_all();
    }
}

// Bytes that stay in the log --------------------------------------------------------------------

class JobsOnDiskTest : public JobStoreTest {
  protected:
    JobsOnDiskTest() {
        options.broker.memory_limit = 100'000;
        reopen();
        const auto filler = make("much");
        while (filler->counters(clock.now()).bytes_in_memory == filler->counters(clock.now()).bytes
        ) {
            send(filler, std::string(1000, 'x'));
        }
    }
    bool on_disk(const QueueHandle& queue, std::uint8_t id) {
        return !stored(queue, id).payload.has_bytes();
    }
};

TEST_F(JobsOnDiskTest, EveryCallBringsTheBodyBack) {
    make_jobs("dead");
    const auto queue = make_jobs("q", "dead");
    const Traits once{.max_receives = 1, .deadline = clock.now() + minutes(1)};
    for (std::uint8_t id = 1; id <= 5; ++id)
        send_job(queue, id, {.group = "g", .traits = &once});
    commit();
    ASSERT_TRUE(on_disk(queue, 1));
    std::vector<std::string> reported;
    report_to(reported);

    EXPECT_EQ(broker().find(queue, id_of(1))->payload.body(), "1");
    EXPECT_EQ(broker().list(queue, 0, 0, 10).at(4).payload.body(), "5");
    EXPECT_EQ(broker().cancel(queue, id_of(1)).message->payload.body(), "1");
    const auto received = receive(queue, 2);
    ASSERT_EQ(received.size(), 2U);
    const auto settled = broker().settle(
        queue,
        std::array{
            Settle{.receipt = received.at(0).receipt},
            Settle{.kind = Settle::Kind::take_out, .receipt = received.at(1).receipt}}
    );
    EXPECT_EQ(settled.settled.at(0)->payload.body(), "2");
    EXPECT_EQ(settled.settled.at(1)->payload.body(), "3");
    EXPECT_EQ(broker().find(find("dead"), id_of(3))->payload.body(), "3");
    ASSERT_EQ(receive(queue, 1).size(), 1U);
    clock.pass(seconds(31));
    EXPECT_EQ(receive(queue, 2).size(), 1U);  // and finds the other exhausted
    EXPECT_EQ(reported, std::vector<std::string>({"4"}));
    clock.pass(minutes(1));
    broker().run_due();
    EXPECT_EQ(reported, std::vector<std::string>({"4", "5"}));
}

TEST_F(JobsOnDiskTest, AReplacedMessageHasItsNewBody) {
    const auto queue = make_jobs("q");
    const Traits latest{.uniqueness = Uniqueness::keep_latest, .unique_key = "k"};
    send_job(queue, 1, {.traits = &latest});
    send_job(queue, 2, {.traits = &latest});
    commit();

    ASSERT_TRUE(on_disk(queue, 1));
    EXPECT_EQ(broker().find(queue, id_of(1))->payload.body(), "2");
    reopen();
    compact_all();
    EXPECT_EQ(broker().find(find("q"), id_of(1))->payload.body(), "2");
}

}  // namespace
}  // namespace tranter::broker
