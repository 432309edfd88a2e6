// How an attempt ends, and what becomes of the job.
#include "fixture.hpp"

namespace tranter::conformance {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SettleTest : public ProviderTest {
  public:
    /// Fails when there is another attempt.
    void expect_over(const std::string& id, JobState state) {
        EXPECT_TRUE(nothing_left());
        expect_ended(id, state);
        if (can().history) {
            EXPECT_TRUE(finished(id).finished_at.has_value());
        }
    }
};
TRANTER_FOR_ALL_STORES(SettleTest);

TEST_P(SettleTest, CompletedIsOver) {
    const std::string id = enqueue(job("1", {.tags = {"a=1"}}));

    complete(take(), R"({"sum":3})");

    expect_over(id, JobState::completed);
    if (!can().history) return;
    const JobRecord record = finished(id);
    EXPECT_EQ(record.result, R"({"sum":3})");
    EXPECT_EQ(record.payload, "1");
    EXPECT_EQ(record.type, "test.job");
    EXPECT_EQ(record.queue, queue());
    EXPECT_EQ(record.attempt, 1U);
    EXPECT_THAT(record.options.tags, ElementsAre("a=1"));
    EXPECT_THAT(record.failures, IsEmpty());
    EXPECT_GE(record.finished_at.value_or(TimePoint{}), record.created_at);
}

TEST_P(SettleTest, CompletedNeedsNoResult) {
    const std::string id = enqueue(job());

    complete(take());

    expect_over(id, JobState::completed);
    if (can().history) {
        EXPECT_EQ(finished(id).result, "");
    }
}

TEST_P(SettleTest, FailedIsTriedAgain) {
    const std::string id = enqueue(job("1", {.retry = at_once()}));
    must(settle(take(), Failed{.type = "io_error", .text = "no such host"}));

    const ReceivedJob again = take();

    EXPECT_EQ(again.id, id);
    EXPECT_EQ(again.attempt, 2U);
    if (!can().look_up) return;
    const JobRecord record = find(id);
    ASSERT_EQ(record.failures.size(), 1U);
    EXPECT_EQ(record.failures.front().attempt, 1U);
    EXPECT_EQ(record.failures.front().type, "io_error");
    EXPECT_EQ(record.failures.front().text, "no such host");
    EXPECT_GE(record.failures.front().at, record.created_at);
}

TEST_P(SettleTest, FailedRestsAsThePolicySays) {
    const milliseconds rest = std::max(milliseconds(300), grain());
    const RetryPolicy policy{.base = rest, .factor = 1, .max = rest, .jitter = 0};
    enqueue(job("1", {.retry = policy}));
    const ReceivedJob first = take();
    const TimePoint before = now();
    must(settle(first, Failed{.type = "E", .text = "e"}));

    EXPECT_EQ(take().attempt, 2U);

    EXPECT_GE(now() - before, rest);
}

TEST_P(SettleTest, FailedShowsWhenTheNextAttemptIsDue) {
    TRANTER_NEEDS(look_up);
    const RetryPolicy policy{.base = hours(1), .factor = 2, .max = hours(9), .jitter = 0};
    const std::string id = enqueue(job("1", {.retry = policy}));

    must(settle(take(), Failed{.type = "E", .text = "e"}));

    const JobRecord record = find(id);
    EXPECT_EQ(record.state, JobState::failed);
    EXPECT_EQ(record.attempt, 1U);
    EXPECT_GE(record.run_at.value_or(TimePoint{}), now() + minutes(59));
    EXPECT_LE(record.run_at.value_or(TimePoint{}), now() + minutes(61));
    EXPECT_EQ(stats().scheduled, 1U);
}

TEST_P(SettleTest, RetryAfterIsInsteadOfThePolicy) {
    const RetryPolicy policy{.base = hours(1), .max = hours(1)};
    enqueue(job("1", {.retry = policy}));
    must(settle(take(), Failed{.type = "E", .text = "e", .retry_after = milliseconds(0)}));

    EXPECT_EQ(take().attempt, 2U);
}

TEST_P(SettleTest, FailedInTheLastAttemptIsDead) {
    const std::string id = enqueue(job("1", {.retry = at_once(3)}));
    for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
        const ReceivedJob got = take();
        EXPECT_EQ(got.attempt, attempt);
        must(settle(got, Failed{.type = "E", .text = std::to_string(attempt)}));
    }

    expect_over(id, JobState::dead);
    if (!can().history) return;
    const JobRecord record = finished(id);
    EXPECT_EQ(record.attempt, 3U);
    EXPECT_EQ(record.queue, queue());
    ASSERT_EQ(record.failures.size(), 3U);
    EXPECT_EQ(record.failures.back().text, "3");
    EXPECT_FALSE(record.reason.empty());
}

TEST_P(SettleTest, AnOnlyAttemptThatLostItsLeaseIsDead) {
    TRANTER_NEEDS(history);
    const std::string id = enqueue(job("1", {.retry = at_once(1)}));
    take(seconds(1));

    let_pass(milliseconds(1100));

    expect_over(id, JobState::dead);
    const JobRecord record = finished(id);
    EXPECT_EQ(record.attempt, 1U);
    ASSERT_FALSE(record.failures.empty());
    EXPECT_EQ(record.failures.back().type, "lease_expired");
}

TEST_P(SettleTest, KeepsTheLastTenFailures) {
    TRANTER_NEEDS(look_up);
    const std::string id = enqueue(job("1", {.retry = at_once()}));
    for (int attempt = 1; attempt <= 13; ++attempt)
        must(settle(take(), Failed{.type = "E", .text = std::to_string(attempt)}));

    const JobRecord record = find(id);

    ASSERT_EQ(record.failures.size(), 10U);
    EXPECT_EQ(record.failures.front().attempt, 4U);
    EXPECT_EQ(record.failures.back().attempt, 13U);
    EXPECT_EQ(record.failures.back().text, "13");
}

TEST_P(SettleTest, ReleasedIsAvailableAtOnceAndDoesNotCount) {
    const std::string id = enqueue(job("1", {.retry = at_once(2)}));

    for (int i = 0; i < 4; ++i) {
        const ReceivedJob got = take();
        EXPECT_EQ(got.id, id);
        EXPECT_EQ(got.attempt, 1U);
        must(settle(got, Released{}));
    }

    if (can().look_up) {
        EXPECT_EQ(state_of(id), JobState::pending);
        EXPECT_EQ(find(id).attempt, 0U);
        EXPECT_THAT(find(id).failures, IsEmpty());
    }
    EXPECT_EQ(take().attempt, 1U);
}

TEST_P(SettleTest, ReleasedKeepsItsPlace) {
    if (!can().look_up) GTEST_SKIP() << "standard queues of SQS promise no order";
    const auto ids = enqueue_all({job("1"), job("2"), job("3")});
    must(settle(take(), Released{}));

    EXPECT_THAT(ids_of(take_many(3)), testing::ElementsAreArray(ids));
}

TEST_P(SettleTest, SnoozedComesLaterAndDoesNotCount) {
    const milliseconds rest = std::max(milliseconds(300), grain());
    const std::string id = enqueue(job("1", {.retry = at_once(2)}));

    for (int i = 0; i < 2; ++i) {
        const ReceivedJob got = take();
        EXPECT_EQ(got.attempt, 1U);
        const TimePoint before = now();
        must(settle(got, Snoozed{.after = rest}));
        const ReceivedJob again = take();
        EXPECT_EQ(again.id, id);
        EXPECT_EQ(again.attempt, 1U);
        EXPECT_GE(now() - before, rest);
        must(settle(again, Released{}));
    }
}

TEST_P(SettleTest, SnoozedIsShownAsScheduled) {
    TRANTER_NEEDS(look_up);
    const std::string id = enqueue(job());

    must(settle(take(), Snoozed{.after = hours(1)}));

    const JobRecord record = find(id);
    EXPECT_EQ(record.state, JobState::scheduled);
    EXPECT_EQ(record.attempt, 0U);
    EXPECT_GE(record.run_at.value_or(TimePoint{}), now() + minutes(59));
    EXPECT_LE(record.run_at.value_or(TimePoint{}), now() + minutes(61));
    EXPECT_THAT(record.failures, IsEmpty());
}

TEST_P(SettleTest, DeadIsOverWithAttemptsLeft) {
    const std::string id = enqueue(job("1", {.retry = at_once()}));

    must(settle(take(), Dead{.type = "bad_input", .reason = "locale missing"}));

    expect_over(id, JobState::dead);
    if (!can().history) return;
    const JobRecord record = finished(id);
    EXPECT_EQ(record.reason, "locale missing");
    EXPECT_EQ(record.attempt, 1U);
    ASSERT_EQ(record.failures.size(), 1U);
    EXPECT_EQ(record.failures.front().type, "bad_input");
    EXPECT_EQ(record.failures.front().text, "locale missing");
}

TEST_P(SettleTest, DeadJobsAreInTheDeadLetterQueue) {
    enqueue(job("\"doomed\""));
    must(settle(take(), Dead{.type = "E", .reason = "no"}));

    const std::string dead_letters = stats().dead_letter_queue;

    EXPECT_EQ(dead_letters, queue() + "-dlq");
    EXPECT_EQ(must(store().stats(dead_letters)).pending, 1U);
    EXPECT_EQ(must(store().stats(dead_letters)).dead_letter_queue, "");
}

TEST_P(SettleTest, StoppedIsCancelled) {
    const std::string id = enqueue(job());

    must(settle(take(), Stopped{}));

    expect_over(id, JobState::cancelled);
}

TEST_P(SettleTest, ManyAreSettledAtOnceEachForItself) {
    enqueue_all({job("1", {.retry = at_once()}), job("2"), job("3")});
    const auto jobs = take_many(3);
    const std::vector<Settlement> settlements{
        {.receipt = jobs.at(0).receipt, .outcome = Completed{}},
        {.receipt = "nonsense", .outcome = Completed{}},
        {.receipt = jobs.at(1).receipt, .outcome = Released{}},
        {.receipt = jobs.at(2).receipt, .outcome = Completed{}},
        {.receipt = jobs.at(2).receipt, .outcome = Completed{}},
    };

    const auto results = must(store().settle(queue(), settlements));

    ASSERT_EQ(results.size(), 5U);
    EXPECT_EQ(code_of(results.at(0)), std::nullopt);
    EXPECT_TRUE(code_of(results.at(1)).has_value());
    EXPECT_EQ(code_of(results.at(2)), std::nullopt);
    EXPECT_EQ(code_of(results.at(3)), std::nullopt);
    EXPECT_TRUE(code_of(results.at(4)).has_value());
    EXPECT_EQ(take().id, jobs.at(1).id);
    EXPECT_TRUE(nothing_left());
}

TEST_P(SettleTest, SettlingNothingIsNothing) {
    enqueue(job());

    EXPECT_TRUE(must(store().settle(queue(), {})).empty());
}

TEST_P(SettleTest, RefusesOutcomesThatAreTooLargeOrNoJson) {
    TRANTER_NEEDS(history);  // what keeps no results may ignore them
    const std::string id = enqueue(job());
    const ReceivedJob got = take();
    const std::string too_long = '"' + std::string(result_bytes_max, 'x') + '"';

    EXPECT_EQ(code_of(settle(got, Completed{.result = too_long})), Errc::invalid_argument);
    EXPECT_EQ(code_of(settle(got, Completed{.result = "{"})), Errc::invalid_argument);
    EXPECT_EQ(code_of(settle(got, Snoozed{.after = seconds(-1)})), Errc::invalid_argument);

    const std::string longest = '"' + std::string(result_bytes_max - 2, 'x') + '"';
    complete(got, longest);
    EXPECT_EQ(finished(id).result, longest);
}

}  // namespace
}  // namespace tranter::conformance
