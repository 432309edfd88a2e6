#include "providers/test_broker.hpp"

#include <gmock/gmock.h>

#include <mutex>

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
    EXPECT_EQ(received.created_at, now());
    EXPECT_EQ(received.lease_until, now() + 30s);
}

TEST_F(BrokerProviderTest, ShowsWhatRuns) {
    const std::string id = enqueue();
    receive_one();

    const JobRecord record = find(id);

    EXPECT_EQ(record.state, JobState::processing);
    EXPECT_EQ(record.attempt, 1U);
    EXPECT_EQ(record.worker, "tester");
    EXPECT_EQ(record.started_at, now());
    EXPECT_EQ(record.lease_until, now() + 30s);
}

TEST_F(BrokerProviderTest, ShowsACompletedJobAtOnce) {
    const std::string id = enqueue();
    pass(1s);
    const ReceivedJob received = receive_one();
    pass(2s);

    ASSERT_TRUE(settle(received, Completed{.result = "42"}));

    const JobRecord record = find(id);
    EXPECT_EQ(record.state, JobState::completed);
    EXPECT_EQ(record.result, "42");
    EXPECT_EQ(record.worker, "tester");
    EXPECT_EQ(record.created_at, now() - 3s);
    EXPECT_EQ(record.started_at, now() - 2s);
    EXPECT_EQ(record.finished_at, now());
}

TEST_F(BrokerProviderTest, KeepsNoHistoryWhenToldSo) {
    open({.provider = {.virtual_time = true, .history = false}});
    const std::string id = enqueue();
    ASSERT_TRUE(settle(receive_one(), Completed{}));

    EXPECT_FALSE(provider->capabilities().history);
    EXPECT_EQ(provider->find(id).error().code(), Errc::not_found);
    EXPECT_EQ(stats().completed, 1U);
}

TEST_F(BrokerProviderTest, FailsUntilTheAttemptsAreUsedUp) {
    const std::string id = enqueue(job({.retry = {.max_attempts = 2, .base = 10s, .jitter = 0}}));

    ASSERT_TRUE(settle(receive_one(), Failed{.type = "E", .text = "first"}));
    EXPECT_EQ(find(id).state, JobState::failed);
    EXPECT_EQ(find(id).run_at, now() + 10s);
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

TEST_F(BrokerProviderTest, TheSameSeedRestsTheSame) {
    const auto rests = [this] {
        open({.provider = {.virtual_time = true}, .seed = 7});
        std::vector<TimePoint> due;
        for (int i = 0; i < 5; ++i) {
            const std::string id = enqueue();
            EXPECT_TRUE(settle(receive_one(), Failed{}));
            due.push_back(*find(id).run_at);
        }
        return due;
    };

    const auto first = rests();

    EXPECT_EQ(first, rests());
    EXPECT_NE(first[0], first[1]);
}

TEST_F(BrokerProviderTest, TheEndOfALeaseIsAFailedAttempt) {
    const std::string id = enqueue(job({.retry = {.max_attempts = 2}}));
    const ReceivedJob lost = receive_one();
    pass(30s);

    const ReceivedJob second = receive_one();

    EXPECT_EQ(second.attempt, 2U);
    ASSERT_EQ(find(id).failures.size(), 1U);
    EXPECT_EQ(find(id).failures[0].type, "lease_expired");
    EXPECT_EQ(settle(lost, Completed{}).error().code(), Errc::conflict);

    pass(30s);
    EXPECT_THAT(receive(1), IsEmpty());
    const JobRecord record = find(id);
    EXPECT_EQ(record.state, JobState::dead);
    EXPECT_EQ(record.reason, "attempt 2 of 2 failed: its lease ended");
    EXPECT_EQ(record.failures.size(), 2U);
}

TEST_F(BrokerProviderTest, WhatWasReleasedOrSnoozedHasNotUsedAnAttempt) {
    const std::string id = enqueue();
    ASSERT_TRUE(settle(receive_one(), Released{}));

    const ReceivedJob again = receive_one();

    EXPECT_EQ(again.attempt, 1U);
    ASSERT_TRUE(settle(again, Snoozed{.after = 1min}));
    EXPECT_EQ(find(id).state, JobState::scheduled);
    pass(1min);
    EXPECT_EQ(receive_one().attempt, 1U);
    EXPECT_THAT(find(id).failures, IsEmpty());
}

TEST_F(BrokerProviderTest, StepsGoAlongToTheNextAttemptAndThroughTheDeadLetterQueue) {
    const std::string id = enqueue();
    ReceivedJob received = receive_one();
    ASSERT_TRUE(provider->save_step("q", received.receipt, {.name = "charge", .result = "1"}));
    ASSERT_TRUE(provider->save_step("q", received.receipt, {.name = "charge", .result = "2"}));
    ASSERT_TRUE(settle(received, Dead{.reason = "no money"}));
    EXPECT_EQ(find(id).reason, "no money");

    ASSERT_TRUE(provider->retry(id));

    received = receive_one();
    EXPECT_EQ(received.attempt, 1U);
    ASSERT_EQ(received.steps.size(), 1U);
    EXPECT_EQ(received.steps[0].result, "2");
}

TEST_F(BrokerProviderTest, RefusesStepsThatAreTooMuchTogether) {
    enqueue();
    const ReceivedJob received = receive_one();
    const std::string half = '"' + std::string(step_bytes_max / 2, 'x') + '"';
    ASSERT_TRUE(provider->save_step("q", received.receipt, {.name = "a", .result = half}));

    const auto refused = provider->save_step("q", received.receipt, {.name = "b", .result = half});

    EXPECT_EQ(refused.error().code(), Errc::limit_exceeded);
    EXPECT_THAT(refused.error().message(), HasSubstr("limit is 65536"));
}

TEST_F(BrokerProviderTest, LogsAndProgressOfAllAttemptsAreKept) {
    const std::string id = enqueue(job({.retry = {.base = 1s}}));
    const ReceivedJob first = receive_one();
    ASSERT_TRUE(provider->append_log("q", first.receipt, std::vector<std::string>{"one"}));
    ASSERT_TRUE(provider->set_progress("q", first.receipt, "50"));
    EXPECT_EQ(find(id).progress, "50");
    ASSERT_TRUE(settle(first, Failed{}));
    pass(1s);
    const ReceivedJob second = receive_one();
    ASSERT_TRUE(provider->append_log("q", second.receipt, std::vector<std::string>{"two"}));
    EXPECT_THAT(provider->log_of(id)->lines, ElementsAre("one", "two"));

    ASSERT_TRUE(settle(second, Completed{}));

    EXPECT_THAT(provider->log_of(id)->lines, ElementsAre("one", "two"));
    EXPECT_EQ(find(id).progress, "50");
    EXPECT_EQ(
        provider->append_log("q", second.receipt, std::vector<std::string>{"late"}).error().code(),
        Errc::not_found
    );
}

TEST_F(BrokerProviderTest, WhatRunsIsToldToStop) {
    const std::string id = enqueue();
    const ReceivedJob received = receive_one();

    EXPECT_EQ(provider->cancel(id), Cancelled::requested);

    const std::vector receipts{received.receipt};
    const auto extended = provider->extend("q", receipts, 60s);
    ASSERT_TRUE(extended && extended->front());
    EXPECT_TRUE(extended->front()->cancel_requested);
    EXPECT_EQ(extended->front()->lease_until, now() + 60s);
    EXPECT_TRUE(find(id).cancel_requested);
    ASSERT_TRUE(settle(received, Stopped{}));
    EXPECT_EQ(find(id).state, JobState::cancelled);
    EXPECT_EQ(find(id).reason, "cancelled");
}

TEST_F(BrokerProviderTest, AFailureAfterACancelEndsTheJob) {
    const std::string id = enqueue();
    const ReceivedJob received = receive_one();
    ASSERT_TRUE(provider->cancel(id));

    ASSERT_TRUE(settle(received, Failed{.text = "stopped in the middle"}));

    const JobRecord record = find(id);
    EXPECT_EQ(record.state, JobState::cancelled);
    ASSERT_EQ(record.failures.size(), 1U);
    EXPECT_EQ(record.failures[0].text, "stopped in the middle");
    EXPECT_EQ(stats().cancelled, 1U);
}

TEST_F(BrokerProviderTest, ReleasedAfterACancelItEnds) {
    const std::string id = enqueue();
    const ReceivedJob received = receive_one();
    ASSERT_TRUE(provider->cancel(id));

    ASSERT_TRUE(settle(received, Released{}));

    EXPECT_EQ(find(id).state, JobState::cancelled);
    EXPECT_THAT(receive(1), IsEmpty());
}

TEST_F(BrokerProviderTest, AnExpiredJobIsCancelledWhoeverLooks) {
    const std::string id = enqueue(job({.ttl = 1min}));

    pass(1min);

    EXPECT_EQ(find(id).state, JobState::cancelled);
    EXPECT_EQ(find(id).reason, "expired");
    EXPECT_EQ(stats().cancelled, 1U);
}

TEST_F(BrokerProviderTest, ADeadJobStaysDeadWhenItsDeadlinePasses) {
    const std::string id = enqueue(job({.ttl = 1min}));
    ASSERT_TRUE(settle(receive_one(), Dead{.reason = "why"}));

    pass(2min);

    EXPECT_EQ(find(id).state, JobState::dead);
    EXPECT_EQ(stats().cancelled, 0U);
}

TEST_F(BrokerProviderTest, ARetriedJobCountsFromOneAndItsNewEndReplacesTheOld) {
    const std::string id = enqueue(job({.retry = {.max_attempts = 1}}));
    ASSERT_TRUE(settle(receive_one(), Completed{.result = "1"}));

    ASSERT_TRUE(provider->retry(id));
    EXPECT_EQ(find(id).state, JobState::pending);
    EXPECT_EQ(provider->retry(id).error().code(), Errc::conflict);
    const ReceivedJob received = receive_one();
    EXPECT_EQ(received.attempt, 1U);
    EXPECT_EQ(received.options.retry.max_attempts, 1U);
    ASSERT_TRUE(settle(received, Failed{.text = "this time"}));

    EXPECT_EQ(find(id).state, JobState::dead);
    EXPECT_THAT(find(id).result, IsEmpty());
}

TEST_F(BrokerProviderTest, TheLastEndCountsAlsoWhenTimeStandsStill) {
    const std::string id = enqueue(job({.retry = {.max_attempts = 2, .base = 0ms}}));
    ASSERT_TRUE(settle(receive_one(), Failed{}));
    ASSERT_TRUE(settle(receive_one(), Failed{}));
    EXPECT_EQ(ids("state:dead"), std::vector{id});

    ASSERT_TRUE(provider->retry(id));
    EXPECT_THAT(ids("state:dead"), IsEmpty());
    ASSERT_TRUE(settle(receive_one(), Completed{}));

    EXPECT_EQ(ids("state:completed"), std::vector{id});
}

TEST_F(BrokerProviderTest, TheEndOfARetriedJobCountsHoweverSoonItComes) {
    const std::string id = enqueue();
    ASSERT_TRUE(settle(receive_one(), Completed{.result = R"("first")"}));
    // Who waits gets the job inside of the call that enqueues it, and ends it there.
    const auto stop = provider->async()->receive(
        {.queue = "q", .jobs_max = 1, .wait = 1h},
        [this](Result<std::vector<ReceivedJob>> received) {
            ASSERT_TRUE(received);
            EXPECT_TRUE(settle(received->front(), Completed{.result = R"("second")"}));
        }
    );

    ASSERT_TRUE(provider->retry(id));

    const auto ended = provider->wait(id, 0ms);
    ASSERT_TRUE(ended) << ended.error().message();
    EXPECT_EQ(ended->result, R"("second")");
    EXPECT_EQ(ids("state:completed"), std::vector{id});
}

TEST_F(BrokerProviderTest, AJobWhoseRetryIsRefusedStaysAsItEnded) {
    const JobOptions unique{.dedup = Dedup{.key = "one"}};
    const std::string id = enqueue(job(unique));
    ASSERT_TRUE(settle(receive_one(), Completed{.result = R"("done")"}));
    const JobRecord before = find(id);
    pass(1s);
    const std::string other = enqueue(job(unique));

    EXPECT_EQ(provider->retry(id).error().code(), Errc::conflict);

    const auto ended = provider->wait(id, 0ms);
    ASSERT_TRUE(ended) << ended.error().message();
    EXPECT_EQ(ended->state, JobState::completed);
    EXPECT_EQ(ended->result, R"("done")");
    EXPECT_EQ(ended->finished_at, before.finished_at);
    EXPECT_EQ(ids(""), (std::vector{other, id}));
}

TEST_F(BrokerProviderTest, AKnownIdIsADuplicateAlsoOfAFinishedJob) {
    NewJob chosen = job();
    chosen.id = "0b5f7d3e-6a1c-4f7e-9a2b-1c3d5e7f9a0b";
    enqueue(chosen);
    ASSERT_TRUE(settle(receive_one(), Completed{}));

    const std::vector jobs{job(), chosen, chosen};
    const auto again = provider->enqueue("q", jobs);

    ASSERT_TRUE(again);
    EXPECT_EQ((*again)[0].duplicate_of, "");
    EXPECT_EQ((*again)[1].duplicate_of, chosen.id);
    EXPECT_EQ((*again)[2].duplicate_of, chosen.id);
    EXPECT_EQ(stats().pending, 1U);
}

TEST_F(BrokerProviderTest, RefusesABatchAsAWhole) {
    std::vector jobs{job(), job()};
    jobs[1].payload = "no json";

    const auto refused = provider->enqueue("q", jobs);

    EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
    EXPECT_THAT(refused.error().message(), HasSubstr("job 2 of 2: payload is not JSON"));
    EXPECT_THAT(receive(10), IsEmpty());
}

TEST_F(BrokerProviderTest, RefusesAFifoQueueThatIsNotThere) {
    const NewJob one = job();

    const auto refused = provider->enqueue("q.fifo", {&one, 1});

    EXPECT_EQ(refused.error().code(), Errc::unsupported);
    EXPECT_THAT(refused.error().message(), HasSubstr("max_in_flight_per_group"));
}

TEST_F(BrokerProviderTest, OneBadSettlementDoesNotSpoilTheOthers) {
    enqueue();
    enqueue();
    const auto received = receive(2);
    const std::vector<Settlement> settlements{
        {.receipt = received[0].receipt, .outcome = Completed{.result = "no json"}},
        {.receipt = "forged", .outcome = Completed{}},
        {.receipt = received[1].receipt, .outcome = Completed{}}};

    const auto settled = provider->settle("q", settlements);

    ASSERT_TRUE(settled);
    EXPECT_EQ((*settled)[0].error().code(), Errc::invalid_argument);
    EXPECT_EQ((*settled)[1].error().code(), Errc::invalid_argument);
    EXPECT_TRUE((*settled)[2]);
    EXPECT_EQ(find(received[0].id).state, JobState::processing);
}

TEST_F(BrokerProviderTest, TellsEachChangeInOrder) {
    std::vector<JobState> states;
    std::vector<std::uint64_t> numbers;
    auto subscription = provider->subscribe([&](const JobEvent& event) {
        states.push_back(event.state);
        numbers.push_back(event.number);
    });
    const std::string id = enqueue(job({.retry = {.max_attempts = 2, .base = 1s}}));

    ASSERT_TRUE(settle(receive_one(), Failed{}));
    ASSERT_TRUE(provider->promote(id));
    ASSERT_TRUE(settle(receive_one(), Completed{}));
    subscription->reset();
    enqueue();

    using enum JobState;
    EXPECT_THAT(states, ElementsAre(pending, processing, failed, pending, processing, completed));
    EXPECT_THAT(numbers, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(BrokerProviderTest, LimitsAndPausesAreKeptByTheQueue) {
    const QueueLimits limits{
        .max_in_flight = 1, .max_in_flight_per_group = 2, .max_queued_per_group = 3, .fair = false};
    ASSERT_TRUE(provider->set_limits("q", limits));
    ASSERT_TRUE(provider->set_paused("q", true));
    enqueue();

    EXPECT_EQ(stats().limits, limits);
    EXPECT_TRUE(stats().paused);
    EXPECT_EQ(stats().dead_letter_queue, "q-dlq");
    EXPECT_THAT(receive(1), IsEmpty());
    ASSERT_TRUE(provider->set_paused("q", false));
    EXPECT_EQ(receive(10).size(), 1U);
}

TEST_F(BrokerProviderTest, AClosedStoreRefusesAndEndsWaits) {
    const std::string id = enqueue();
    std::optional<Errc> waited;
    auto end = provider->async()->wait(id, [&](Result<std::optional<JobRecord>> record) {
        waited = record.error().code();
    });

    provider->close();

    EXPECT_EQ(waited, Errc::unavailable);
    EXPECT_EQ(provider->find(id).error().code(), Errc::unavailable);
    end();
}

}  // namespace
}  // namespace tranter::providers
