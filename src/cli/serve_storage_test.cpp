#include "cli/serve_storage.hpp"

#include "base/log.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::cli {
namespace {

class FixedClock final : public Clock {
  public:
    Instant now() const override { return Instant(std::chrono::seconds(1'700'000'000)); }
};

/// The log of a disk that may be full.
class StubJournal final : public broker::Journal {
  public:
    broker::Position append(const broker::Record&) override { return 0; }
    broker::Position end() const override { return 0; }
    void when_durable(broker::Position, Done done) override { done(true); }
    bool is_durable(broker::Position) const override { return true; }
    void when_written(broker::Position, Done done) override { done(true); }
    bool is_written(broker::Position) const override { return true; }
    broker::Accepts accepts() const override { return accepted; }
    std::string trouble() const override { return "the disk is nearly full"; }

    broker::Accepts accepted = broker::Accepts::everything;
};

class SettleQueuesTest : public testing::Test {
  public:
    ~SettleQueuesTest() override { set_component_log_level("serve", LogLevel::info); }

  protected:
    SettleQueuesTest() {
        set_component_log_level("serve", LogLevel::off);
        configure("orders").delay = std::chrono::seconds(5);
        config.queues[0].written.paths = {"delay"};
    }
    QueueConfig& configure(const std::string& name) {
        QueueConfig& queue = config.queues.emplace_back();
        queue.name = name;
        return queue;
    }

    FixedClock clock;
    StubJournal journal;
    broker::Broker broker{{}, clock, journal};
    ServerConfig config;
};

TEST_F(SettleQueuesTest, MakesQueuesAndBringsRestoredOnesUpToDate) {
    ASSERT_TRUE(broker.create_queue("orders", {}));
    configure("new");

    settle_queues(broker, config);

    EXPECT_EQ(broker.find_queue("orders")->settings()->engine.delay, std::chrono::seconds(5));
    EXPECT_NE(broker.find_queue("new"), nullptr);
}

TEST_F(SettleQueuesTest, StartsWithWhatThereIsWhileTheDiskIsNearlyFull) {
    ASSERT_TRUE(broker.create_queue("orders", {}));
    configure("new");
    journal.accepted = broker::Accepts::no_growth;

    EXPECT_NO_THROW(settle_queues(broker, config));

    EXPECT_EQ(broker.find_queue("orders")->settings()->engine.delay, Duration::zero());
    EXPECT_EQ(broker.find_queue("new"), nullptr);
}

TEST_F(SettleQueuesTest, RefusesAnotherDeduplicationScope) {
    ASSERT_TRUE(broker.create_queue("q.fifo", {}));
    QueueConfig& queue = configure("q.fifo");
    queue.fifo = true;
    queue.deduplication_scope = DeduplicationScope::message_group;
    queue.written.paths = {"deduplication_scope"};

    EXPECT_THROW(settle_queues(broker, config), SystemError);
}

}  // namespace
}  // namespace tranter::cli
