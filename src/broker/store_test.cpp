#include "broker/queue_state.hpp"
#include "broker/test_store.hpp"

#include <string>
#include <tuple>

namespace tranter::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

QueueSettings with_dead_letters(std::string name, std::uint32_t receives) {
    QueueSettings settings;
    settings.dead_letter_queue = std::move(name);
    settings.engine.max_receives = receives;
    return settings;
}

TEST_F(StoreTest, QueuesComeBackWithAllTheirSettings) {
    QueueSettings settings = with_dead_letters("dead", 4);
    settings.engine.visibility_timeout = seconds(77);
    settings.bytes_max = 1 << 20;
    settings.tags = {{"team", "blue"}};
    settings.attributes = {{"Policy", R"({"Statement":[]})"}};
    make("q", settings);
    clock.pass(seconds(5));
    const auto changed = broker().change_settings(find("q"), [](QueueSettings& now) -> Result<> {
        now.tags["more"] = "tags";
        now.receive_wait = seconds(3);
        return {};
    });
    ASSERT_TRUE(changed);
    const Instant created = find("q")->created();
    const Instant modified = find("q")->modified();
    const QueueSettings before = *find("q")->settings();

    reopen();

    ASSERT_TRUE(find("q"));
    EXPECT_EQ(*find("q")->settings(), before);
    EXPECT_EQ(find("q")->created(), created);
    EXPECT_EQ(find("q")->modified(), modified);
    EXPECT_EQ(store->opened().queues, 1U);
}

TEST_F(StoreTest, MessagesComeBackWhole) {
    send(make("q"), "hello");
    const Instant sent_at = clock.now();

    reopen();

    EXPECT_EQ(store->opened().messages, 1U);
    EXPECT_EQ(broker().bytes(), std::string("helloattributessender").size());
    const auto deliveries = receive(find("q"));
    ASSERT_EQ(deliveries.size(), 1U);
    EXPECT_EQ(deliveries[0].payload.body(), "hello");
    EXPECT_EQ(deliveries[0].payload.attributes(), "attributes");
    EXPECT_EQ(deliveries[0].payload.sender(), "sender");
    EXPECT_EQ(deliveries[0].payload.id(), engine::MessageId{1});
    EXPECT_EQ(deliveries[0].sent_at, sent_at);
    EXPECT_EQ(deliveries[0].receive_count, 1U);
}

TEST_F(StoreTest, DeletedMessagesAndQueuesStayGone) {
    const auto queue = make("q");
    const auto gone_queue = make("gone");
    send(gone_queue, "x");
    send(queue, "a");
    send(queue, "b");
    const auto deliveries = receive(queue, 1);
    ASSERT_TRUE(broker().acknowledge(queue, deliveries[0].receipt).done.value());
    ASSERT_TRUE(broker().delete_queue(gone_queue));

    reopen();

    EXPECT_EQ(bodies(find("q")), "b");
    EXPECT_FALSE(find("gone"));
}

TEST_F(StoreTest, LeasesGoOnAndTheirReceiptHandlesStayValid) {
    const auto queue = make("q");
    send(queue, "a");
    send(queue, "b");
    send(queue, "c");
    const auto deliveries = receive(queue, 2);
    const std::string handle = broker().receipts().encode(queue->id(), deliveries[0].receipt);

    reopen();

    EXPECT_EQ(bodies(find("q")), "c");
    const auto decoded = broker().receipts().decode(handle);
    ASSERT_TRUE(decoded);
    EXPECT_TRUE(broker().acknowledge(broker().find_queue(decoded->queue), decoded->receipt).done);
    clock.pass(seconds(31));
    const auto again = receive(find("q"));
    ASSERT_EQ(again.size(), 2U);
    EXPECT_EQ(again[0].payload.body(), "b");
    EXPECT_EQ(again[0].receive_count, 2U);
}

TEST_F(StoreTest, ALeaseThatEndedWhileClosedIsOver) {
    const auto queue = make("q");
    send(queue, "a");
    std::ignore = receive(queue);
    commit();
    store.reset();
    data.reset();
    clock.pass(minutes(1));

    open();

    EXPECT_EQ(bodies(find("q")), "a");
}

TEST_F(StoreTest, ChangedVisibilityAndTakenBackDeliveriesAreRemembered) {
    const auto queue = make("q");
    send(queue, "a");
    send(queue, "b");
    const auto deliveries = receive(queue, 2);
    ASSERT_TRUE(broker().change_visibility(queue, deliveries[0].receipt, minutes(10)).done);
    broker().take_back(queue, {deliveries[1].receipt});

    reopen();

    const auto again = receive(find("q"));
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].payload.body(), "b");
    EXPECT_EQ(again[0].receive_count, 1U);
    clock.pass(minutes(5));
    EXPECT_EQ(bodies(find("q")), "b");
    clock.pass(minutes(5));
    EXPECT_EQ(bodies(find("q"), 1), "b");
    EXPECT_EQ(bodies(find("q"), 1), "a");
}

TEST_F(StoreTest, DelaysGoOn) {
    const auto queue = make("q");
    send(queue, "later", {.delay = seconds(20)});
    send(queue, "now");

    reopen();

    EXPECT_EQ(bodies(find("q")), "now");
    clock.pass(seconds(20));
    EXPECT_EQ(bodies(find("q")), "later");
}

TEST_F(StoreTest, FifoOrderSequenceAndDuplicatesGoOn) {
    const auto queue = make_fifo("q.fifo");
    const auto first = send(queue, "1", {.group = "g"}, "id1");
    send(queue, "2", {.group = "g"}, "id2");
    for (const auto& delivery : receive(queue, 1))
        ASSERT_TRUE(broker().acknowledge(queue, delivery.receipt).done.value());

    reopen();

    const auto repeated = send(find("q.fifo"), "again", {.group = "g"}, "id1");
    EXPECT_TRUE(repeated.duplicate);
    EXPECT_EQ(repeated.sequence, first.sequence);
    EXPECT_EQ(repeated.id, first.id);
    const auto next = send(find("q.fifo"), "3", {.group = "g"}, "id3");
    EXPECT_GT(next.sequence, 2U);
    EXPECT_EQ(bodies(find("q.fifo")), "2 3");
    clock.pass(minutes(5));
    EXPECT_FALSE(send(find("q.fifo"), "1", {.group = "g"}, "id1").duplicate);
}

TEST_F(StoreTest, APurgedQueueStaysEmptyAndForgetsDuplicates) {
    const auto queue = make_fifo("q.fifo");
    send(queue, "1", {.group = "g"}, "id1");
    ASSERT_TRUE(broker().purge(queue));
    send(queue, "2", {.group = "g"}, "id2");

    reopen();

    EXPECT_FALSE(send(find("q.fifo"), "1", {.group = "g"}, "id1").duplicate);
    EXPECT_EQ(bodies(find("q.fifo")), "2 1");
}

TEST_F(StoreTest, DeadLettersAreInTheirQueueOnly) {
    make("dead");
    const auto queue = make("q", with_dead_letters("dead", 1));
    send(queue, "poison");
    std::ignore = receive(queue);
    clock.pass(minutes(1));
    EXPECT_EQ(bodies(queue), "");

    reopen();

    EXPECT_EQ(bodies(find("q")), "");
    const auto dead = receive(find("dead"));
    ASSERT_EQ(dead.size(), 1U);
    EXPECT_EQ(dead[0].source_queue, find("q")->id());
    EXPECT_EQ(dead[0].receive_count, 2U);
}

TEST_F(StoreTest, ARunningMoveTaskGoesOnWhereItWas) {
    make("dead");
    const auto queue = make("q", with_dead_letters("dead", 1));
    for (int i = 0; i < 3; ++i)
        send(queue, "m" + std::to_string(i));
    std::ignore = receive(queue);
    clock.pass(minutes(1));
    std::ignore = receive(queue);
    const auto task = broker().start_move_task(find("dead"), "", 1);
    ASSERT_TRUE(task);
    broker().run_due();

    reopen();

    auto tasks = broker().list_move_tasks("dead", 10);
    ASSERT_EQ(tasks.size(), 1U);
    EXPECT_EQ(tasks[0].id, task->id);
    EXPECT_EQ(tasks[0].moved, 1U);
    EXPECT_EQ(tasks[0].to_move, 3U);
    EXPECT_EQ(tasks[0].max_per_second, 1U);
    EXPECT_EQ(tasks[0].started, task->started);
    for (int i = 0; i < 4; ++i) {
        clock.pass(seconds(1));
        broker().run_due();
        commit();
    }
    tasks = broker().list_move_tasks("dead", 10);
    EXPECT_EQ(tasks[0].status, MoveTask::Status::completed);
    EXPECT_EQ(tasks[0].moved, 3U);
    reopen();
    EXPECT_EQ(broker().list_move_tasks("dead", 1)[0].status, MoveTask::Status::completed);
    EXPECT_EQ(find("q")->counters(clock.now()).visible, 3U);
}

TEST_F(StoreTest, AChangedFifoDelayHoldsForWaitingMessagesAfterARestart) {
    const auto queue = make_fifo("q.fifo");
    send(queue, "1", {.group = "g"}, "id1");
    ASSERT_TRUE(broker().change_settings(queue, [](QueueSettings& settings) -> Result<> {
        settings.engine.delay = seconds(30);
        return {};
    }));

    reopen();

    EXPECT_EQ(find("q.fifo")->counters(clock.now()).delayed, 1U);
    clock.pass(seconds(30));
    EXPECT_EQ(bodies(find("q.fifo")), "1");
}

TEST_F(StoreTest, AChangedDelayLeavesAloneWhatWasPutBackWithoutCounting) {
    const auto queue = make_fifo("q.fifo");
    send(queue, "1", {.group = "g"});
    const engine::Settle snooze{
        .kind = engine::Settle::Kind::put_back,
        .receipt = receive(queue).at(0).receipt,
        .delay = minutes(60),
        .counts = false};
    ASSERT_TRUE(broker().settle(queue, {&snooze, 1}).settled.at(0));
    ASSERT_TRUE(broker().change_settings(queue, [](QueueSettings& settings) -> Result<> {
        settings.engine.delay = seconds(1);
        return {};
    }));

    reopen();

    clock.pass(minutes(30));
    EXPECT_EQ(bodies(find("q.fifo")), "");
    clock.pass(minutes(31));
    EXPECT_EQ(bodies(find("q.fifo")), "1");
}

TEST_F(StoreTest, WhatExpiredUnderAShorterRetentionStaysGone) {
    const auto queue = make("q");
    send(queue, "old");
    for (const Duration retention : {Duration(minutes(1)), Duration(minutes(60))}) {
        clock.pass(minutes(2));
        ASSERT_TRUE(broker().change_settings(queue, [&](QueueSettings& settings) -> Result<> {
            settings.engine.retention = retention;
            return {};
        }));
    }
    send(queue, "new");

    reopen();

    EXPECT_EQ(bodies(find("q")), "new");
}

TEST_F(StoreTest, WhatCouldNotBeMovedKeepsItsPlaceInItsGroup) {
    const auto queue = make_fifo("q.fifo");
    const auto other = make_fifo("other.fifo");
    const engine::Sent first = send(queue, "1", {.group = "g"});
    for (const char* body : {"2", "3"})
        send(queue, body, {.group = "g"});
    const engine::Receipt receipt = receive(queue, 1).at(0).receipt;
    ASSERT_TRUE(broker().change_visibility(queue, receipt, {}).done);
    ASSERT_TRUE(broker().delete_queue(other));

    EXPECT_EQ(broker().move(queue, first.id, other).error().code(), Errc::not_found);

    const auto views = queue->peek(0, 10);
    ASSERT_EQ(views.size(), 3U);
    EXPECT_EQ(views[0].sequence, first.sequence);
    EXPECT_EQ(views[0].receive_count, 1U);

    reopen();

    const auto again = receive(find("q.fifo"));
    ASSERT_EQ(again.size(), 3U);
    EXPECT_EQ(again[0].payload.body(), "1");
    EXPECT_EQ(again[0].receipt.delivery, receipt.delivery + 1);
    EXPECT_EQ(again[2].payload.body(), "3");
}

TEST_F(StoreTest, ADeletedNameCoolsDownAcrossARestart) {
    options.broker.delete_cooldown = minutes(1);
    reopen();
    ASSERT_TRUE(broker().delete_queue(make("q")));

    reopen();

    EXPECT_EQ(broker().create_queue("q", {}).error().code(), Errc::conflict);
    clock.pass(minutes(1));
    EXPECT_TRUE(broker().create_queue("q", {}));
}

TEST_F(StoreTest, ReceiversAreAnsweredOnceTheirLeasesAreWritten) {
    const auto queue = make("q");
    send(queue, "a");
    commit();
    bool answered = false;

    std::ignore = broker().receive(queue, {}, false, [&](engine::Received received) {
        answered = !received.deliveries.empty();
    });

    EXPECT_FALSE(answered);
    store->log().write();
    EXPECT_TRUE(answered);
}

// A message that is on its way to its dead-letter queue when power fails: another one may have its
// slot already, and the record of the move may be missing.
TEST_F(StoreTest, AMessageWhoseSlotWasTakenWhileItMovedIsNotLost) {
    const auto queue = make("q");
    const auto lost_move = send(queue, "on its way");
    const engine::Payload other = engine::Payload::make({.body = "took its slot"});
    broker().journal().append(record::MessageSent{
        .queue = queue->id(),
        .slot = lost_move.slot,
        .sequence = lost_move.sequence + 1,
        .payload = &other,
        .group = {},
        .at = clock.now()});

    reopen();

    EXPECT_EQ(find("q")->counters(clock.now()).visible, 2U);
    next_segment();
    compact();
    reopen();
    EXPECT_EQ(bodies(find("q")), "on its way took its slot");
    reopen();
    EXPECT_EQ(find("q")->counters(clock.now()).in_flight, 2U);
}

TEST_F(StoreTest, AReceiptOfAMessageThatWasLostNeverMeansALaterOne) {
    options.log.durability = log::Durability::sync;
    reopen();
    const auto queue = make("q");
    store->log().sync();
    send(queue, "lost");
    const auto lost = receive(queue).at(0).receipt;
    // The power fails before the send is on the disk: as if it had never been written.
    store.reset();
    data.reset();
    std::filesystem::remove_all(directory);
    open();
    const auto again = make("q");
    EXPECT_EQ(again->id(), 1U);
    store->log().sync();
    reopen();
    send(find("q"), "acknowledged");
    EXPECT_EQ(receive(find("q")).size(), 1U);

    EXPECT_FALSE(*broker().acknowledge(find("q"), lost).done);

    EXPECT_EQ(find("q")->counters(clock.now()).in_flight, 1U);
}

TEST_F(StoreTest, SettingsThatAreTooLargeAreRefusedBeforeAnythingChanges) {
    const auto queue = make("q");

    const auto changed = broker().change_settings(queue, [](QueueSettings& settings) -> Result<> {
        settings.tags["large"] = std::string(settings_bytes_max, 'x');
        return {};
    });

    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().code(), Errc::limit_exceeded);
    EXPECT_TRUE(queue->settings()->tags.empty());
}

}  // namespace
}  // namespace tranter::broker
