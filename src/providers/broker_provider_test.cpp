#include "providers/test_broker.hpp"

#include <gmock/gmock.h>

namespace tranter::providers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using BrokerProviderTest = BrokerTest;

TEST_F(BrokerProviderTest, HandsAJobOutAsItWasEnqueued) {
    const JobOptions options{
        .priority = 2,
        .group = "acme",
        .retry = {.max_attempts = 3},
        .timeout = 90s,
        .tags = {"a", "b=1"},
        .runs = 2};
    const std::string id = enqueue(job(options));

    const ReceivedJob received = receive_one();

    EXPECT_EQ(received.id, id);
    EXPECT_EQ(received.queue, "q");
    EXPECT_EQ(received.type, "mail");
    EXPECT_EQ(received.payload, R"({"to":"a"})");
    EXPECT_EQ(received.attempt, 1U);
    EXPECT_EQ(received.options, options);
    EXPECT_EQ(received.lease_until, provider->virtual_time()->now() + 30s);
}

TEST_F(BrokerProviderTest, ShowsACompletedJobAtOnce) {
    const std::string id = enqueue();

    ASSERT_TRUE(settle(receive_one(), Completed{.result = "42"}));

    const JobRecord record = find(id);
    EXPECT_EQ(record.state, JobState::completed);
    EXPECT_EQ(record.result, "42");
    EXPECT_EQ(record.worker, "tester");
    EXPECT_EQ(record.finished_at, provider->virtual_time()->now());
    EXPECT_EQ(record.started_at, provider->virtual_time()->now());
}

TEST_F(BrokerProviderTest, FailsUntilTheAttemptsAreUsedUp) {
    const std::string id = enqueue(job({.retry = {.max_attempts = 2, .base = 10s, .jitter = 0}}));

    ASSERT_TRUE(settle(receive_one(), Failed{.type = "E", .text = "first"}));
    EXPECT_EQ(find(id).state, JobState::failed);
    EXPECT_EQ(find(id).run_at, provider->virtual_time()->now() + 10s);
    EXPECT_THAT(receive(1), IsEmpty());
    pass(10s);
    const ReceivedJob second = receive_one();
    EXPECT_EQ(second.attempt, 2U);
    ASSERT_TRUE(settle(second, Failed{.type = "E", .text = "second"}));

    const JobRecord record = find(id);
    EXPECT_EQ(record.state, JobState::dead);
    EXPECT_EQ(record.queue, "q");
    EXPECT_EQ(record.reason, "attempt 2 of 2 failed: second");
    ASSERT_EQ(record.failures.size(), 2U);
    EXPECT_EQ(record.failures[0].text, "first");
    EXPECT_EQ(record.failures[1].text, "second");
    EXPECT_EQ(stats().failed, 2U);
    EXPECT_EQ(stats().dead, 1U);
    EXPECT_EQ(stats("q-dlq").pending, 1U);
}

}  // namespace
}  // namespace tranter::providers
