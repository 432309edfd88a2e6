#include "broker/test_store.hpp"

#include <string>
#include <tuple>
#include <vector>

namespace tranter::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class StoreCompactionTest : public StoreTest {};

TEST_F(StoreCompactionTest, WhatIsLiveOutlivesItsSegments) {
    const auto queue = make("q");
    for (int i = 0; i < 40; ++i)
        send(queue, "m" + std::to_string(i) + std::string(300, '.'));
    const auto leased = receive(queue, 2);
    for (const auto& delivery : receive(queue, 30))
        ASSERT_TRUE(broker().acknowledge(queue, delivery.receipt).done.value());
    const auto newest_with_messages = store->log().figures().newest_segment;
    next_segment();

    compact();

    EXPECT_GT(store->log().figures().oldest_segment, newest_with_messages);
    reopen();
    EXPECT_EQ(store->opened().messages, 10U);
    EXPECT_TRUE(broker().acknowledge(find("q"), leased[1].receipt).done.value());
    const auto rest = receive(find("q"), 30);
    ASSERT_EQ(rest.size(), 8U);
    EXPECT_TRUE(rest[0].payload.body().starts_with("m32."));
    clock.pass(seconds(31));
    EXPECT_EQ(receive(find("q"), 30).size(), 9U);
}

TEST_F(StoreCompactionTest, AnInterruptedCompactionLeavesNothingThatIsWrittenAgainForEver) {
    const auto queue = make("q");
    for (int i = 0; i < 20; ++i)
        send(queue, "m" + std::to_string(i) + std::string(300, '.'));
    next_segment();
    compact();
    const std::uint64_t bytes_once = store->log().figures().bytes;

    for (int i = 0; i < 5; ++i) {
        next_segment();
        log::Compactor interrupted(store->log(), store->keeper());
        ASSERT_EQ(interrupted.step(true), log::Compactor::Need::durable);
        reopen();
    }
    for (int i = 0; i < 2; ++i) {
        next_segment();
        compact();
    }

    EXPECT_LT(store->log().figures().bytes, bytes_once + 2 * options.log.segment_bytes);
    reopen();
    EXPECT_EQ(store->opened().messages, 20U);
}

TEST_F(StoreCompactionTest, AnEmptyQueueIsStillKnownWithItsSequence) {
    QueueSettings settings;
    settings.tags = {{"a", "b"}};
    const auto queue = make_fifo("q.fifo", settings);
    send(queue, "1", {.group = "g"}, "id1");
    send(queue, "2", {.group = "g"}, "id2");
    for (const auto& delivery : receive(queue))
        ASSERT_TRUE(broker().acknowledge(queue, delivery.receipt).done.value());
    clock.pass(minutes(6));
    for (int i = 0; i < 3; ++i) {
        next_segment();
        compact();
    }

    reopen();

    EXPECT_EQ(find("q.fifo")->settings()->tags, settings.tags);
    EXPECT_GT(send(find("q.fifo"), "3", {.group = "g"}, "id3").sequence, 2U);
}

TEST_F(StoreCompactionTest, DuplicatesOfDeletedMessagesAreStillKnown) {
    const auto queue = make_fifo("q.fifo");
    const auto first = send(queue, "1", {.group = "g"}, "id1");
    send(queue, "2", {.group = "h"}, "id2");
    for (const auto& delivery : receive(queue, 1))
        ASSERT_TRUE(broker().acknowledge(queue, delivery.receipt).done.value());
    for (int i = 0; i < 3; ++i) {
        next_segment();
        compact();
    }

    reopen();

    const auto again = send(find("q.fifo"), "1", {.group = "g"}, "id1");
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.sequence, first.sequence);
    EXPECT_EQ(again.id, first.id);
    EXPECT_TRUE(send(find("q.fifo"), "2", {.group = "h"}, "id2").duplicate);
    clock.pass(minutes(5));
    EXPECT_FALSE(send(find("q.fifo"), "1", {.group = "g"}, "id1").duplicate);
}

TEST_F(StoreCompactionTest, TheNumberOfADeletedQueueIsNotUsedAgain) {
    const auto queue = make("q");
    send(queue, "x");
    const auto delivery = receive(queue).at(0);
    make("filler");
    const auto last = make("last");
    const QueueId number = last->id();
    ASSERT_TRUE(broker().delete_queue(last));
    for (int i = 0; i < 3; ++i) {
        next_segment();
        compact();
        reopen();
    }

    EXPECT_GT(make("new")->id(), number);
}

TEST_F(StoreCompactionTest, MoveTasksOutliveTheirSegments) {
    make("dead");
    QueueSettings settings;
    settings.dead_letter_queue = "dead";
    settings.engine.max_receives = 1;
    const auto queue = make("q", settings);
    send(queue, "a");
    send(queue, "b");
    std::ignore = receive(queue);
    clock.pass(minutes(1));
    std::ignore = receive(queue);
    const auto task = broker().start_move_task(find("dead"), "", 1);
    ASSERT_TRUE(task);
    broker().run_due();
    for (int i = 0; i < 3; ++i) {
        next_segment();
        compact();
    }

    reopen();

    const auto tasks = broker().list_move_tasks("dead", 1);
    ASSERT_EQ(tasks.size(), 1U);
    EXPECT_EQ(tasks[0].id, task->id);
    EXPECT_EQ(tasks[0].moved, 1U);
    EXPECT_EQ(tasks[0].status, MoveTask::Status::running);
}

TEST_F(StoreCompactionTest, InterruptedCompactionLeavesNothingTwice) {
    const auto queue = make_fifo("q.fifo");
    for (int i = 0; i < 60; ++i) {
        const std::string number = std::to_string(i);
        send(queue, number + std::string(200, '.'), {.group = "g"}, "id" + number);
    }
    for (int i = 0; i < 3; ++i) {
        // Some live records are written again, but no segment goes.
        log::Compactor compactor(store->log(), store->keeper());
        std::ignore = compactor.step(true);
        reopen();
    }

    EXPECT_EQ(store->opened().messages, 60U);
    const auto deliveries = receive(find("q.fifo"), 100);
    ASSERT_EQ(deliveries.size(), 60U);
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
        EXPECT_TRUE(deliveries[i].payload.body().starts_with(std::to_string(i) + "."));
    }
    EXPECT_EQ(broker().bytes(), find("q.fifo")->counters(clock.now()).bytes);
}

}  // namespace
}  // namespace tranter::broker
