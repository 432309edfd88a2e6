#include "providers/broker_types.hpp"

#include "providers/broker_provider.hpp"
#include "providers/test_broker.hpp"

#include <string>

namespace tranter::providers {
namespace {

class BrokerMetricsTest : public BrokerTest {
  public:
    ~BrokerMetricsTest() override = default;

  protected:
    JobQueueMetrics of_queue(std::string_view queue = "q") {
        const auto& broker = dynamic_cast<const BrokerProvider&>(*provider);
        for (JobQueueMetrics& one : broker.metrics()) {
            if (one.queue == queue) return std::move(one);
        }
        return {};
    }
    JobTypeCounts only_type() {
        const JobQueueMetrics metrics = of_queue();
        EXPECT_EQ(metrics.types.size(), 1U);
        return metrics.types.at(0);
    }
};

TEST_F(BrokerMetricsTest, AJobIsDueWhenItsDelayEndsAndWhenItsRestDoes) {
    NewJob delayed = job();
    delayed.delay = 10s;
    enqueue(delayed);
    const TimePoint due = now() + 10s;
    pass(13s);

    const ReceivedJob first = receive_one();
    EXPECT_EQ(first.due_at, due);
    ASSERT_TRUE(settle(first, Failed{.retry_after = 60s}));
    const TimePoint due_again = now() + 60s;
    pass(61s);

    EXPECT_EQ(receive_one().due_at, due_again);
    EXPECT_DOUBLE_EQ(of_queue().queue_latency.sum, 3 + 1);
}

TEST_F(BrokerMetricsTest, CountsJobsByTypeAndHowTheyEnded) {
    enqueue();
    enqueue();
    enqueue(job({.retry = {.max_attempts = 1}}));
    const auto jobs = receive(3);
    ASSERT_TRUE(settle(jobs.at(0), Completed{}));
    ASSERT_TRUE(settle(jobs.at(1), Failed{.retry_after = 1h}));
    ASSERT_TRUE(settle(jobs.at(2), Failed{}));
    const auto waiting = ids("queue:q state:failed");
    ASSERT_EQ(waiting.size(), 1U);
    ASSERT_TRUE(provider->cancel(waiting.front()));

    const JobTypeCounts counts = only_type();
    EXPECT_EQ(counts.type, "mail");
    EXPECT_EQ(counts.enqueued, 3U);
    EXPECT_EQ(counts.completed, 1U);
    EXPECT_EQ(counts.failed, 2U);
    EXPECT_EQ(counts.dead, 1U);
    EXPECT_EQ(counts.cancelled, 1U);
    EXPECT_EQ(counts.stalled, 0U);
}

TEST_F(BrokerMetricsTest, CountsADuplicateOnceAndALeaseThatEnded) {
    enqueue(job({.dedup = Dedup{.key = "k"}}));
    enqueue(job({.dedup = Dedup{.key = "k"}}));
    receive_one();
    pass(31s);
    receive_one();

    EXPECT_EQ(only_type().enqueued, 1U);
    EXPECT_EQ(only_type().stalled, 1U);
}

TEST_F(BrokerMetricsTest, SaysNothingOfQueuesWithoutJobs) {
    ASSERT_TRUE(provider->set_paused("idle", true));

    EXPECT_EQ(of_queue("idle").queue, "");
}

TEST(JobTypeTableTest, TypesBeyondTheLimitOfAllQueuesAreOther) {
    JobTypeNames names;
    JobTypeTable first(names);
    JobTypeTable second(names);
    for (std::size_t i = 0; i < JobTypeNames::types_max; ++i)
        ++JobTypeTable::Access(first).of("t" + std::to_string(i)).enqueued;

    ++JobTypeTable::Access(second).of("one-more").enqueued;
    ++JobTypeTable::Access(second).of("and-another").enqueued;
    ++JobTypeTable::Access(second).of("t7").enqueued;

    EXPECT_EQ(first.read().types.size(), JobTypeNames::types_max);
    const JobQueueMetrics metrics = second.read();
    ASSERT_EQ(metrics.types.size(), 2U);
    EXPECT_EQ(metrics.types[0].type, "other");
    EXPECT_EQ(metrics.types[0].enqueued, 2U);
    EXPECT_EQ(metrics.types[1].type, "t7");
}

}  // namespace
}  // namespace tranter::providers
