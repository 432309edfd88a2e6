// How an attempt ends, and what is known of it afterwards.
#include "fixture.hpp"

#include <atomic>
#include <stdexcept>
#include <vector>

namespace tranter {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST_F(JobsTest, AFailureIsKeptAndTheJobRunsAgain) {
    handlers_.on("flaky", [](Context& context) {
        if (context.attempt() == 1) throw std::invalid_argument("no mailbox");
        return context.attempt();
    });
    start();

    const JobRecord job = finished(enqueue("flaky"));

    EXPECT_EQ(job.state, JobState::completed);
    EXPECT_EQ(job.attempt, 2);
    EXPECT_EQ(job.result, "2");
    ASSERT_THAT(job.failures, SizeIs(1));
    EXPECT_EQ(job.failures[0].attempt, 1);
    EXPECT_EQ(job.failures[0].type, "std::invalid_argument");
    EXPECT_EQ(job.failures[0].text, "no mailbox");
}

TEST_F(JobsTest, AfterTheLastAttemptTheJobIsDead) {
    handlers_.on("bad", [](Context&) { throw std::runtime_error("no mailbox"); });
    start();

    const JobHandle handle = enqueue("bad", {.max_attempts = 3});
    const JobRecord job = finished(handle);

    EXPECT_EQ(job.state, JobState::dead);
    EXPECT_THAT(job.failures, SizeIs(3));
    EXPECT_THAT(handle.result<int>(patience).error().message(), HasSubstr("no mailbox"));
    worker_->stop();
    EXPECT_EQ(worker_->figures().counts, (WorkerCounts{.failed = 2, .dead = 1}));
}

TEST_F(JobsTest, ADeadJobKeepsItsReasonAndMayBeTriedAgain) {
    std::atomic<bool> is_there = false;
    handlers_.on("mail", [&](Context&) -> Outcome<int> {
        if (!is_there) return dead("no such mailbox");
        return 7;
    });
    start();
    const JobHandle job = enqueue("mail");
    EXPECT_EQ(finished(job).state, JobState::dead);
    EXPECT_EQ(finished(job).reason, "no such mailbox");

    is_there = true;
    ASSERT_TRUE(client_.retry(job.id()));

    EXPECT_EQ(job.result<int>(patience), 7);
}

TEST_F(JobsTest, APayloadOfAnotherTypeIsDeadAtOnce) {
    handlers_.on<Add>([](const Add&) {});
    start();

    const auto job = client_.enqueue({.type = "add", .payload = R"({"left":"x"})"});

    ASSERT_TRUE(job);
    EXPECT_EQ(finished(*job).state, JobState::dead);
    EXPECT_EQ(finished(*job).reason, "payload: $.left: expected integer, got \"x\"");
}

TEST_F(JobsTest, ATimeoutIsAFailure) {
    handlers_.on("slow", [](Context& context) {
        if (context.attempt() == 1) wait_for(context.stop_token());
        return context.attempt();
    });
    start();

    const JobRecord job = finished(enqueue("slow", {.timeout = 20ms}));

    EXPECT_EQ(job.result, "2");
    ASSERT_THAT(job.failures, SizeIs(1));
    EXPECT_EQ(job.failures[0].type, "timeout");
}

TEST_F(JobsTest, AnUnknownTypeIsAFailure) {
    start();

    const JobRecord job = finished(enqueue("what", {.max_attempts = 2}));

    EXPECT_EQ(job.state, JobState::dead);
    EXPECT_EQ(job.failures.back().text, "this worker has no handler for type what");
}

TEST_F(JobsTest, ASnoozeDoesNotCountAsAnAttempt) {
    std::atomic<int> calls = 0;
    handlers_.on("wait", [&](Context& context) -> Outcome<std::uint32_t> {
        if (++calls < 3) return snooze(1ms);
        return context.attempt();
    });
    start();

    EXPECT_EQ(enqueue("wait").result<int>(patience), 1);
    worker_->stop();
    EXPECT_EQ(worker_->figures().counts, (WorkerCounts{.completed = 1, .snoozed = 2}));
}

TEST_F(JobsTest, OneFailedRunFailsTheAttempt) {
    handlers_.on("part", [](Context& context) {
        if (context.run() == 2) throw std::runtime_error("no disk");
    });
    start();

    const JobRecord job = finished(enqueue("part", {.max_attempts = 1, .runs = 3}));

    EXPECT_EQ(job.state, JobState::dead);
    ASSERT_THAT(job.failures, SizeIs(1));
    EXPECT_EQ(job.failures[0].text, "run 2 of 3: no disk");
}

TEST_F(JobsTest, TheHandlerSaysHowOftenAndHowLong) {
    handlers_.on(
        "bad",
        [](Context&) { throw std::runtime_error("x"); },
        {.retry = RetryPolicy{.max_attempts = 2, .base = 0ms}}
    );
    start();

    const JobRecord job = finished(enqueue("bad", {.max_attempts = 9}));

    EXPECT_EQ(job.state, JobState::dead);
    EXPECT_EQ(job.attempt, 2);
}

}  // namespace
}  // namespace tranter
