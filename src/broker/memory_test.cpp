#include "broker/queue_state.hpp"
#include "broker/test_store.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>

namespace tranter::broker {
namespace {

using std::chrono::seconds;

/// A store whose memory holds a few messages of 1,000 bytes.
class MemoryTest : public StoreTest {
  protected:
    static constexpr int messages = 20;

    MemoryTest() {
        options.broker.memory_limit = 16'000;
        options.log.segment_bytes = 4096;
        reopen();
    }
    static std::string body(int number) { return std::to_string(number) + std::string(1000, '.'); }
    void fill(const QueueHandle& queue) {
        for (int i = 0; i < messages; ++i)
            send(queue, body(i));
        commit();
    }
    std::string numbers(const QueueHandle& queue, std::uint32_t max = messages) {
        std::string all;
        for (const auto& delivery : receive(queue, max)) {
            const std::string_view text = delivery.payload.body();
            all += std::string(text.substr(0, text.find('.'))) + " ";
        }
        return all;
    }
    std::uint64_t in_memory(const QueueHandle& queue) {
        return queue->counters(clock.now()).bytes_in_memory;
    }

    const std::string everything = "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ";
};

TEST_F(MemoryTest, WhatDoesNotFitStaysOnDiskAndComesInOrder) {
    const auto queue = make("q");
    fill(queue);

    EXPECT_LT(in_memory(queue), 14'000U);
    EXPECT_GT(in_memory(queue), 5'000U);
    EXPECT_EQ(queue->counters(clock.now()).bytes, 20'350U);
    EXPECT_EQ(numbers(queue), everything);
}

TEST_F(MemoryTest, ARecordThatIsNotWrittenYetCanBeReadBack) {
    const auto queue = make("q");
    for (int i = 0; i < messages; ++i)
        send(queue, body(i));

    EXPECT_EQ(numbers(queue), everything);
}

TEST_F(MemoryTest, ALogLargerThanMemoryIsOpenedWithoutItsBytes) {
    fill(make("q"));
    reopen();

    EXPECT_EQ(in_memory(find("q")), 0U);
    EXPECT_EQ(numbers(find("q")), everything);
}

TEST_F(MemoryTest, CompactionMovesWhatIsOnDisk) {
    fill(make("q"));
    next_segment();
    compact();
    EXPECT_EQ(numbers(find("q")), everything);
    clock.pass(seconds(31));
    next_segment();
    compact();
    reopen();

    EXPECT_EQ(numbers(find("q")), everything);
}

TEST_F(MemoryTest, ADeadLetterFromDiskKeepsItsBody) {
    const auto dead = make("dead");
    const auto queue = make("q", {.engine = {.max_receives = 1}, .dead_letter_queue = "dead"});
    fill(queue);
    EXPECT_EQ(numbers(queue), everything);
    clock.pass(seconds(31));

    EXPECT_EQ(numbers(queue), "");

    EXPECT_EQ(numbers(dead), everything);
}

TEST_F(MemoryTest, AMoveTaskTakesMessagesFromDisk) {
    const auto source = make("source");
    const auto target = make("target");
    fill(source);
    ASSERT_TRUE(broker().start_move_task(source, "target", 0));

    broker().run_due();

    EXPECT_EQ(numbers(target), everything);
}

TEST_F(MemoryTest, ALookReadsFromDisk) {
    const auto queue = make("q");
    fill(queue);

    const auto views = queue->peek(19, 1);

    ASSERT_EQ(views.size(), 1U);
    EXPECT_FALSE(views[0].payload.has_bytes());
    EXPECT_EQ(broker().with_bytes(views[0].payload).body(), body(19));
}

TEST_F(MemoryTest, ADeliveryWhoseMessageIsDeletedMeanwhileIsLeftOut) {
    const auto queue = make("q");
    fill(queue);
    reopen();
    const auto again = find("q");
    std::optional<engine::Received> received;
    std::ignore = broker().receive(again, {.max_messages = 1}, false, [&](engine::Received answer) {
        received = std::move(answer);
    });
    ASSERT_FALSE(received);
    EXPECT_TRUE(broker().purge(again));
    next_segment();
    compact();

    ASSERT_TRUE(received);
    EXPECT_LE(received->deliveries.size(), 1U);
    for (const auto& delivery : received->deliveries)
        EXPECT_EQ(delivery.payload.body(), body(0));
}

TEST_F(MemoryTest, SendsAreRefusedWhenEvenMessagesWithoutBytesFillTheMemory) {
    const auto queue = make("q");
    Result<engine::Sent> refused = fail(Errc::internal, "never refused");
    for (int i = 0; i < 200; ++i) {
        auto sent =
            broker().send(queue, {.payload = engine::Payload::make({.body = "small"})}).sent;
        if (sent) continue;
        refused = std::move(sent);
        break;
    }

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::unavailable);
    EXPECT_NE(refused.error().message().find("of memory, limit is 16000"), std::string::npos);
}

TEST(MemoryOnlyTest, WithoutAJournalSendsAreRefusedAtTheLimit) {
    const StoreClock clock;
    NullJournal journal;
    Broker broker({.memory_limit = 3000}, clock, journal);
    const auto queue = *broker.create_queue("q", {});
    const auto payload = engine::Payload::make({.body = std::string(1000, 'x')});

    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(broker.send(queue, {.payload = payload}).sent);

    EXPECT_EQ(broker.send(queue, {.payload = payload}).sent.error().code(), Errc::unavailable);
}

/// Sends and deletes messages until one is refused; how many there were.
int fill_with_what_outlives(
    Broker& broker, const QueueHandle& queue, const std::function<Broker::SendRequest(int)>& next
) {
    for (int sent = 0; sent < 10'000; ++sent) {
        const auto result = broker.send(queue, next(sent));
        if (!result.sent) {
            EXPECT_EQ(result.sent.error().code(), Errc::unavailable);
            return sent;
        }
        std::ignore = broker.receive(queue, {}, false, [&](const engine::Received& received) {
            EXPECT_TRUE(broker.acknowledge(queue, received.deliveries.at(0).receipt).done);
        });
    }
    return 10'000;
}

TEST(MemoryOnlyTest, IdsThatOutliveTheirMessagesTakeMemory) {
    StoreClock clock;
    NullJournal journal;
    Broker broker({.memory_limit = 100'000}, clock, journal);
    const auto queue =
        *broker.create_queue("q", {.engine = {.groups = {.order = engine::Order::fifo}}});
    const auto next = [](int number) {
        const std::string id = std::to_string(number) + std::string(100, 'x');
        return Broker::SendRequest{
            .payload = engine::Payload::make({.body = "x", .deduplication_id = id}),
            .options = {.group = "g"}};
    };

    EXPECT_LT(fill_with_what_outlives(broker, queue, next), 1000);

    clock.pass(std::chrono::minutes(5));
    broker.run_due();
    EXPECT_TRUE(broker.send(queue, next(0)).sent);
}

TEST(MemoryOnlyTest, ThrottlesThatOutliveTheirMessagesTakeMemory) {
    StoreClock clock;
    NullJournal journal;
    Broker broker({.memory_limit = 100'000}, clock, journal);
    const auto queue = *broker.create_queue("q", {});
    engine::Traits traits{
        .uniqueness = engine::Uniqueness::throttle, .unique_for = std::chrono::minutes(5)};
    const auto next = [&](int number) {
        traits.unique_key = std::to_string(number) + std::string(100, 'x');
        return Broker::SendRequest{
            .payload = engine::Payload::make({.body = "x"}), .options = {.traits = &traits}};
    };

    EXPECT_LT(fill_with_what_outlives(broker, queue, next), 1000);

    clock.pass(std::chrono::minutes(5));
    broker.run_due();
    EXPECT_TRUE(broker.send(queue, next(0)).sent);
}

TEST(MemoryOnlyTest, GroupsAndAttemptsTakeMemory) {
    StoreClock clock;
    NullJournal journal;
    Broker broker({.memory_limit = 1'000'000}, clock, journal);
    const auto queue =
        *broker.create_queue("q", {.engine = {.groups = {.order = engine::Order::fifo}}});
    const std::uint64_t before = queue->state().memory();
    const std::string group(128, 'g');
    const auto payload = engine::Payload::make({.body = "x"});
    ASSERT_TRUE(broker.send(queue, {.payload = payload, .options = {.group = group}}).sent);
    const std::uint64_t with_group = queue->state().memory();
    const std::string attempt(128, 'a');

    std::ignore = broker.receive(queue, {.attempt_id = attempt}, false, [](engine::Received) {});

    EXPECT_GE(with_group, before + message_memory_bytes + sizeof(engine::Group) + group.size());
    EXPECT_GE(queue->state().memory(), with_group + 2 * attempt.size());
    clock.pass(std::chrono::minutes(5));
    broker.run_due();
    EXPECT_EQ(queue->state().memory(), with_group);
}

}  // namespace
}  // namespace tranter::broker
