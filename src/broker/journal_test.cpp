#include "broker/broker.hpp"
#include "broker/queue_state.hpp"
#include "broker/transfers.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace tranter::broker {
namespace {

using std::chrono::seconds;

class JournalClock final : public Clock {
  public:
    Instant now() const override { return now_; }
    void pass(Duration duration) { now_ += duration; }

  private:
    Instant now_{std::chrono::hours(24 * 365 * 56)};
};

/// Counts records, writes nothing until told, and refuses what it is told to.
class StubJournal final : public Journal {
  public:
    Position append(const Record& record) override {
        kinds.push_back(record.index());
        const auto* sent = std::get_if<record::MessageSent>(&record);
        if (sent != nullptr && sent->batch.member) batches.push_back(sent->batch.left);
        return ++last;
    }
    Position end() const override { return last; }
    void when_durable(Position, Done done) override { done(true); }
    bool is_durable(Position) const override { return true; }
    void when_written(Position, Done done) override { waiting.push_back(std::move(done)); }
    bool is_written(Position position) const override { return position <= written; }
    Accepts accepts() const override { return taken; }
    std::string trouble() const override { return "the disk is gone"; }

    void write(bool works = true) {
        if (works) written = last;
        for (Done& done : std::exchange(waiting, {}))
            done(works);
    }

    std::vector<std::size_t> kinds;
    std::vector<std::uint32_t> batches;
    std::vector<Done> waiting;
    Position last = 0;
    Position written = 0;
    Accepts taken = Accepts::everything;
};

class BrokerJournalTest : public testing::Test {
  protected:
    QueueHandle make(std::string_view name, QueueSettings settings = {}) {
        return broker.create_queue(name, std::move(settings)).value();
    }
    Broker::SendResult send(
        const QueueHandle& queue, std::string_view body, std::string_view deduplication_id = {}
    ) {
        const auto payload =
            engine::Payload::make({.body = body, .deduplication_id = deduplication_id});
        return broker.send(queue, {.payload = payload});
    }
    /// Where the answer goes; empty while there is none.
    Broker::Receiver receiver() {
        return [this](engine::Received answer) {
            received = std::move(answer);
        };
    }
    void receive(const QueueHandle& queue) {
        received.reset();
        std::ignore = broker.receive(queue, {}, false, receiver());
    }

    JournalClock clock;
    StubJournal journal;
    Broker broker{{.bytes_max = 100}, clock, journal};
    std::optional<engine::Received> received;
};

TEST_F(BrokerJournalTest, ReceiversWaitUntilTheirLeasesAreWritten) {
    const auto queue = make("q");
    ASSERT_TRUE(send(queue, "a").sent);

    receive(queue);

    EXPECT_FALSE(received);
    journal.write();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->deliveries.size(), 1U);
}

TEST_F(BrokerJournalTest, AnEmptyReceiveWaitsForNothing) {
    receive(make("q"));

    ASSERT_TRUE(received);
    EXPECT_FALSE(received->unavailable);
}

TEST_F(BrokerJournalTest, ALongPollWaitsForItsLeaseAsWell) {
    const auto queue = make("q");
    std::ignore = broker.receive(queue, {}, true, receiver());
    ASSERT_TRUE(send(queue, "a").sent);

    EXPECT_FALSE(received);
    journal.write();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->deliveries.size(), 1U);
}

TEST_F(BrokerJournalTest, AReceiverGetsNothingWhenItsLeaseCannotBeWritten) {
    const auto queue = make("q");
    ASSERT_TRUE(send(queue, "a").sent);
    receive(queue);

    journal.write(false);

    ASSERT_TRUE(received);
    EXPECT_TRUE(received->deliveries.empty());
    EXPECT_TRUE(received->unavailable);
}

TEST_F(BrokerJournalTest, RepeatedSendsAndDeletesWaitForWhatCameBefore) {
    QueueSettings settings;
    settings.engine.groups.order = engine::Order::fifo;
    const auto queue = make("q.fifo", settings);
    const auto first = send(queue, "a", "id");
    const auto again = send(queue, "a", "id");
    ASSERT_TRUE(again.sent->duplicate);
    EXPECT_GE(again.position, first.position);
    receive(queue);
    journal.write();
    const auto receipt = received->deliveries.at(0).receipt;
    const auto deleted = broker.acknowledge(queue, receipt);
    ASSERT_TRUE(*deleted.done);

    const auto repeated = broker.acknowledge(queue, receipt);

    EXPECT_FALSE(*repeated.done);
    EXPECT_GE(repeated.position, deleted.position);
}

TEST_F(BrokerJournalTest, NothingChangesWhenTheJournalTakesNothing) {
    const auto queue = make("q");
    make("dead");
    ASSERT_TRUE(send(queue, "a").sent);
    receive(queue);
    journal.write();
    const auto receipt = received->deliveries.at(0).receipt;
    const auto records = journal.kinds.size();
    journal.taken = Accepts::nothing;

    const auto refused = [](const auto& result) {
        return !result && result.error().code() == Errc::unavailable &&
               result.error().message() == "the disk is gone";
    };
    EXPECT_TRUE(refused(send(queue, "b").sent));
    EXPECT_TRUE(refused(broker.acknowledge(queue, receipt).done));
    EXPECT_TRUE(refused(broker.change_visibility(queue, receipt, seconds(1)).done));
    EXPECT_TRUE(refused(broker.purge(queue)));
    EXPECT_TRUE(refused(broker.delete_queue(queue)));
    EXPECT_TRUE(refused(broker.create_queue("new", {})));
    EXPECT_TRUE(refused(broker.start_move_task(queue, "dead", 0)));
    EXPECT_TRUE(refused(broker.cancel_move_task("task")));
    EXPECT_TRUE(refused(broker.change_settings(queue, [](QueueSettings&) -> Result<> { return {}; })
    ));
    broker.take_back(queue, {receipt});
    receive(queue);
    EXPECT_TRUE(received->unavailable);
    EXPECT_EQ(journal.kinds.size(), records);
    EXPECT_EQ(queue->counters(clock.now()).in_flight, 1U);
}

TEST_F(BrokerJournalTest, ALeaseThatEndsIsNotHandedOutWhenTheJournalTakesNothing) {
    QueueSettings settings;
    settings.dead_letter_queue = "dead";
    settings.engine.max_receives = 1;
    const auto dead = make("dead");
    const auto queue = make("q", settings);
    ASSERT_TRUE(send(queue, "a").sent);
    receive(queue);
    journal.write();
    received.reset();
    std::ignore = broker.receive(queue, {}, true, receiver());
    journal.taken = Accepts::nothing;
    clock.pass(seconds(31));

    broker.run_due();

    EXPECT_FALSE(received);
    EXPECT_EQ(dead->counters(clock.now()).visible, 0U);
    journal.taken = Accepts::everything;
    clock.pass(seconds(1));
    receive(queue);
    EXPECT_EQ(dead->counters(clock.now()).visible, 1U);
    broker.stop();
}

TEST_F(BrokerJournalTest, OnlyWhatGrowsIsRefusedWhenTheDiskIsNearlyFull) {
    const auto queue = make("q");
    ASSERT_TRUE(send(queue, "a").sent);
    journal.taken = Accepts::no_growth;

    EXPECT_EQ(send(queue, "b").sent.error().code(), Errc::unavailable);
    EXPECT_EQ(broker.create_queue("new", {}).error().code(), Errc::unavailable);
    EXPECT_FALSE(broker.change_settings(queue, [](QueueSettings&) -> Result<> { return {}; }));
    receive(queue);
    journal.write();
    const auto receipt = received->deliveries.at(0).receipt;
    EXPECT_TRUE(broker.change_visibility(queue, receipt, seconds(5)).done);
    EXPECT_TRUE(broker.acknowledge(queue, receipt).done);
    EXPECT_TRUE(broker.purge(queue));
    EXPECT_TRUE(broker.delete_queue(queue));
}

TEST_F(BrokerJournalTest, JobsAreLeftAloneWhenTheJournalTakesNothing) {
    const auto queue = make("q");
    ASSERT_TRUE(send(queue, "a").sent);
    receive(queue);
    journal.write();
    const engine::Receipt receipt = received->deliveries.at(0).receipt;
    const engine::Settle settle{.receipt = receipt};
    const engine::MessageId id{};
    const Broker::SendRequest request{.payload = engine::Payload::make({.body = "b"})};
    const std::size_t records = journal.kinds.size();
    journal.taken = Accepts::nothing;
    const auto unavailable = [](const auto& result) {
        return !result && result.error().code() == Errc::unavailable;
    };

    EXPECT_TRUE(unavailable(broker.send_all(queue, {&request, 1}).sent));
    EXPECT_TRUE(unavailable(broker.settle(queue, {&settle, 1}).settled.at(0)));
    EXPECT_TRUE(unavailable(broker.extend(queue, {&receipt, 1}, seconds(9)).cancel_requested.at(0))
    );
    EXPECT_TRUE(unavailable(broker.set_note(queue, receipt, "n")));
    EXPECT_TRUE(unavailable(broker.cancel(queue, id).done));
    EXPECT_TRUE(unavailable(broker.promote(queue, id)));
    EXPECT_TRUE(unavailable(broker.move(queue, id, queue)));

    EXPECT_EQ(journal.kinds.size(), records);
    journal.taken = Accepts::no_growth;
    EXPECT_TRUE(unavailable(broker.send_all(queue, {&request, 1}).sent));
    EXPECT_TRUE(unavailable(broker.set_note(queue, receipt, "n")));
    EXPECT_TRUE(unavailable(broker.move(queue, id, queue)));
    EXPECT_TRUE(broker.extend(queue, {&receipt, 1}, seconds(9)).cancel_requested.at(0));
    EXPECT_TRUE(broker.cancel(queue, id).done);
    EXPECT_TRUE(broker.settle(queue, {&settle, 1}).settled.at(0));
}

TEST_F(BrokerJournalTest, SettlementsWaitForTheirLastRecord) {
    const auto dead = make("dead");
    QueueSettings settings;
    settings.dead_letter_queue = "dead";
    const auto queue = make("q", settings);
    ASSERT_TRUE(send(queue, "a").sent);
    receive(queue);
    journal.write();
    const engine::Settle settle{
        .kind = engine::Settle::Kind::take_out, .receipt = received->deliveries.at(0).receipt};

    const auto settled = broker.settle(queue, {&settle, 1});

    EXPECT_TRUE(settled.settled.at(0));
    EXPECT_EQ(settled.position, journal.last);
    EXPECT_EQ(journal.kinds.back(), Record(record::MessageMoved{}).index());
}

TEST_F(BrokerJournalTest, ABatchSaysHowManyOfItFollow) {
    const auto queue = make("q");
    const Broker::SendRequest request{.payload = engine::Payload::make({.body = "b"})};
    const std::vector<Broker::SendRequest> three(3, request);

    const auto sent = broker.send_all(queue, three);

    ASSERT_TRUE(sent.sent);
    EXPECT_EQ(sent.position, journal.last);
    EXPECT_EQ(journal.batches, std::vector<std::uint32_t>({2, 1, 0}));
    ASSERT_TRUE(broker.send_all(queue, {three.data(), 1}).sent);
    EXPECT_EQ(journal.batches.size(), 3U);  // one alone is no batch
}

TEST_F(BrokerJournalTest, MoveTasksPauseWhileNothingMayGrow) {
    const auto from = make("from");
    const auto to = make("to");
    ASSERT_TRUE(send(from, "a").sent);
    ASSERT_TRUE(broker.start_move_task(from, "to", 0));
    journal.taken = Accepts::no_growth;

    broker.run_due();

    EXPECT_EQ(to->counters(clock.now()).visible, 0U);
    EXPECT_GT(broker.next_event().value(), clock.now());
    journal.taken = Accepts::everything;
    clock.pass(seconds(1));
    broker.run_due();
    EXPECT_EQ(to->counters(clock.now()).visible, 1U);
}

TEST_F(BrokerJournalTest, ASendBeyondTheQuotaOfItsQueueIsRefusedWithTheNumbers) {
    QueueSettings settings;
    settings.bytes_max = 10;
    settings.engine.groups.order = engine::Order::fifo;
    const auto queue = make("q.fifo", settings);
    ASSERT_TRUE(send(queue, "12345", "id").sent);  // 7 bytes with the id

    const auto refused = send(queue, "1234");

    ASSERT_FALSE(refused.sent);
    EXPECT_EQ(refused.sent.error().code(), Errc::limit_exceeded);
    EXPECT_EQ(
        refused.sent.error().message(),
        "with 4 bytes more queue q.fifo would hold 11 bytes, limit is 10"
    );
    EXPECT_TRUE(send(queue, "12345", "id").sent->duplicate);
    EXPECT_TRUE(send(queue, "123").sent);
}

TEST_F(BrokerJournalTest, AllQueuesTogetherKeepToTheQuotaOfTheStore) {
    const auto first = make("a");
    const auto second = make("b");
    ASSERT_TRUE(send(first, std::string(60, 'x')).sent);
    ASSERT_TRUE(send(second, std::string(40, 'x')).sent);
    EXPECT_EQ(broker.bytes(), 100U);

    EXPECT_EQ(
        send(second, "y").sent.error().message(),
        "with 1 bytes more the queues together would hold 101 bytes, limit is 100"
    );
    ASSERT_TRUE(broker.purge(first));
    EXPECT_EQ(broker.bytes(), 40U);
    EXPECT_TRUE(send(second, "y").sent);
    ASSERT_TRUE(broker.delete_queue(second));
    EXPECT_EQ(broker.bytes(), 0U);
}

TEST_F(BrokerJournalTest, RoomThatExpiredMessagesLeftIsUsed) {
    QueueSettings settings;
    settings.bytes_max = 5;
    settings.engine.retention = seconds(60);
    const auto queue = make("q", settings);
    ASSERT_TRUE(send(queue, "12345").sent);
    clock.pass(seconds(60));

    EXPECT_TRUE(send(queue, "67890").sent);
}

TEST_F(BrokerJournalTest, DeadLettersCountButAreNeverRefused) {
    QueueSettings small;
    small.bytes_max = 1;
    const auto dead = make("dead", small);
    QueueSettings settings;
    settings.dead_letter_queue = "dead";
    settings.engine.max_receives = 1;
    const auto queue = make("q", settings);
    ASSERT_TRUE(send(queue, "poison").sent);
    receive(queue);
    clock.pass(seconds(31));
    receive(queue);

    EXPECT_EQ(dead->counters(clock.now()).bytes, 6U);
    EXPECT_EQ(broker.bytes(), 6U);
}

TEST(TransfersTest, SettlingWaitsForWhatBeganBefore) {
    Transfers transfers;
    auto before = transfers.begin();
    std::atomic<bool> ended{false};
    std::atomic<bool> ended_when_settled{false};
    std::thread settling([&] {
        transfers.settle();
        ended_when_settled = ended.load();
    });

    ended = true;
    before = {};
    settling.join();

    EXPECT_TRUE(ended_when_settled);
}

TEST(TransfersTest, SettlingAgainDoesNotWaitForTheFirstRound) {
    Transfers transfers;
    for (int i = 0; i < 3; ++i) {
        { const auto token = transfers.begin(); }
        transfers.settle();
    }
    const auto later = transfers.begin();
    EXPECT_TRUE(later);
}

}  // namespace
}  // namespace tranter::broker
