// What people do to jobs: cancel, retry, promote; and waiting for the end of one.
#include "fixture.hpp"

#include <future>

namespace tranter::conformance {
namespace {

class ChangesTest : public ProviderTest {
  public:
    void SetUp() override {
        ProviderTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        if (!can().look_up) GTEST_SKIP() << kind().name << " has no look-up";
    }

    std::string scheduled(milliseconds delay = hours(1)) {
        NewJob later = job();
        later.delay = delay;
        return enqueue(later);
    }

    /// Waits for its next attempt.
    std::string failed(RetryPolicy retry = {.base = hours(1), .max = hours(1)}) {
        std::string id = enqueue(job("1", {.retry = retry}));
        must(settle(take(), Failed{.type = "E", .text = "e"}));
        return id;
    }

    std::string ended(AttemptOutcome outcome) {
        std::string id = enqueue(job("\"again\"", {.retry = at_once(2), .tags = {"kept"}}));
        must(settle(take(), std::move(outcome)));
        return id;
    }

    bool cancel_was_requested(const ReceivedJob& job) {
        const auto results = must(store().extend(job.queue, {&job.receipt, 1}, seconds(30)));
        return must(results.front()).cancel_requested;
    }

    /// Retried, it begins from new under its id.
    void expect_another_go(const std::string& id) {
        must(store().retry(id));

        EXPECT_EQ(state_of(id), JobState::pending);
        EXPECT_EQ(find(id).queue, queue());
        const ReceivedJob got = take();
        EXPECT_EQ(got.id, id);
        EXPECT_EQ(got.payload, "\"again\"");
        EXPECT_EQ(got.attempt, 1U);
        EXPECT_THAT(got.options.tags, testing::ElementsAre("kept"));
        EXPECT_EQ(got.options.retry, at_once(2));
        must(settle(got, Failed{.type = "E", .text = "has all its attempts"}));
        const ReceivedJob second = take();
        EXPECT_EQ(second.attempt, 2U);
        complete(second, "\"at last\"");
        expect_ended(id, JobState::completed);
        if (can().history) {
            EXPECT_EQ(finished(id).result, "\"at last\"");
        }
    }
};
TRANTER_FOR_ALL_STORES(ChangesTest);

// ---- cancel -----------------------------------------------------------------------------------

TEST_P(ChangesTest, CancelEndsAJobThatWaits) {
    for (const std::string& id : {enqueue(job()), scheduled()}) {
        EXPECT_EQ(must(store().cancel(id)), Cancelled::removed);

        expect_ended(id, JobState::cancelled);
        if (can().history) {
            EXPECT_EQ(finished(id).attempt, 0U);
        }
    }
    const std::string id = failed();
    EXPECT_EQ(must(store().cancel(id)), Cancelled::removed);
    expect_ended(id, JobState::cancelled);
    if (can().history) {
        EXPECT_EQ(finished(id).failures.size(), 1U);
    }
    EXPECT_TRUE(nothing_left());
}

TEST_P(ChangesTest, CancelOfARunningJobIsToldWithTheHeartbeat) {
    TRANTER_NEEDS(cancel_running);
    const std::string id = enqueue(job());
    const ReceivedJob got = take();
    EXPECT_FALSE(cancel_was_requested(got));

    EXPECT_EQ(must(store().cancel(id)), Cancelled::requested);

    EXPECT_TRUE(find(id).cancel_requested);
    EXPECT_EQ(state_of(id), JobState::processing);
    EXPECT_TRUE(cancel_was_requested(got));
    must(settle(got, Stopped{}));
    expect_ended(id, JobState::cancelled);
}

TEST_P(ChangesTest, AJobThatFinishesAllTheSameIsCompleted) {
    TRANTER_NEEDS(cancel_running);
    const std::string id = enqueue(job());
    const ReceivedJob got = take();
    must(store().cancel(id));

    complete(got, "1");

    expect_ended(id, JobState::completed);
}

TEST_P(ChangesTest, ACancelledJobHasNoFurtherAttempt) {
    TRANTER_NEEDS(cancel_running);
    for (const AttemptOutcome& outcome :
         {AttemptOutcome(Failed{.type = "E", .text = "e"}),
          AttemptOutcome(Released{}),
          AttemptOutcome(Snoozed{.after = seconds(1)})}) {
        const std::string id = enqueue(job("1", {.retry = at_once()}));
        const ReceivedJob got = take();
        must(store().cancel(id));

        must(settle(got, outcome));

        expect_ended(id, JobState::cancelled);
        EXPECT_TRUE(nothing_left());
    }
}

TEST_P(ChangesTest, ACancelledJobWhoseWorkerIsGoneEndsWithItsLease) {
    TRANTER_NEEDS(cancel_running);
    const std::string id = enqueue(job("1", {.retry = at_once()}));
    take(seconds(1));
    must(store().cancel(id));

    let_pass(milliseconds(1100));

    expect_ended(id, JobState::cancelled);
    EXPECT_TRUE(nothing_left());
}

TEST_P(ChangesTest, CancelOfAFinishedJobIsAConflict) {
    TRANTER_NEEDS(history);
    for (const AttemptOutcome& outcome :
         {AttemptOutcome(Completed{}),
          AttemptOutcome(Dead{.type = "E", .reason = "r"}),
          AttemptOutcome(Stopped{})}) {
        const std::string id = ended(outcome);
        EXPECT_EQ(code_of(store().cancel(id)), Errc::conflict) << outcome.index();
    }
}

// ---- retry ------------------------------------------------------------------------------------

TEST_P(ChangesTest, RetryOfADeadJobIsAnotherGo) {
    expect_another_go(ended(Dead{.type = "E", .reason = "r"}));
}

TEST_P(ChangesTest, RetryOfAJobThatUsedUpItsAttemptsIsAnotherGo) {
    const std::string id = ended(Failed{.type = "E", .text = "1"});
    must(settle(take(), Failed{.type = "E", .text = "2"}));
    expect_ended(id, JobState::dead);

    expect_another_go(id);
}

TEST_P(ChangesTest, RetryOfACompletedJobIsAnotherGo) {
    TRANTER_NEEDS(history);
    expect_another_go(ended(Completed{.result = "1"}));
}

TEST_P(ChangesTest, RetryOfACancelledJobIsAnotherGo) {
    TRANTER_NEEDS(history);
    expect_another_go(ended(Stopped{}));
}

TEST_P(ChangesTest, RetryOfAJobThatWaitsForItsNextAttemptNeedNotWait) {
    const std::string id = failed();

    must(store().retry(id));

    EXPECT_EQ(take().id, id);
}

TEST_P(ChangesTest, RetryOfAJobThatIsNotOverIsAConflict) {
    const std::string waits = scheduled();
    const std::string runs = enqueue(job());
    take();
    const std::string pending = enqueue(job());

    EXPECT_EQ(code_of(store().retry(waits)), Errc::conflict);
    EXPECT_EQ(code_of(store().retry(runs)), Errc::conflict);
    EXPECT_EQ(code_of(store().retry(pending)), Errc::conflict);
}

// ---- promote ----------------------------------------------------------------------------------

TEST_P(ChangesTest, PromoteMakesAScheduledJobDue) {
    const std::string id = scheduled();

    must(store().promote(id));

    EXPECT_EQ(state_of(id), JobState::pending);
    EXPECT_EQ(take().id, id);
}

TEST_P(ChangesTest, PromoteMakesTheNextAttemptDue) {
    const std::string id = failed();

    must(store().promote(id));

    const ReceivedJob got = take();
    EXPECT_EQ(got.id, id);
    EXPECT_EQ(got.attempt, 2U);
}

TEST_P(ChangesTest, PromoteOfAnythingElseIsAConflict) {
    const std::string runs = enqueue(job());
    take();
    const std::string pending = enqueue(job());

    EXPECT_EQ(code_of(store().promote(runs)), Errc::conflict);
    EXPECT_EQ(code_of(store().promote(pending)), Errc::conflict);
    if (!can().history) return;
    must(store().cancel(pending));
    EXPECT_EQ(code_of(store().promote(pending)), Errc::conflict);
}

// ---- wait -------------------------------------------------------------------------------------

TEST_P(ChangesTest, WaitGivesTheJobOnceItIsFinished) {
    TRANTER_NEEDS(history);
    const std::string id = enqueue(job());
    const ReceivedJob got = take();
    auto call =
        std::async(std::launch::async, [this, &id] { return store().wait(id, minutes(5)); });

    complete(got, R"({"n":1})");

    ASSERT_EQ(call.wait_for(seconds(20)), std::future_status::ready);
    const JobRecord record = must(call.get());
    EXPECT_EQ(record.id, id);
    EXPECT_EQ(record.state, JobState::completed);
    EXPECT_EQ(record.result, R"({"n":1})");
}

TEST_P(ChangesTest, WaitGivesAJobThatIsFinishedAlready) {
    TRANTER_NEEDS(history);
    const std::string id = ended(Completed{.result = "7"});

    const JobRecord record = must(store().wait(id, milliseconds(0)));

    EXPECT_EQ(record.state, JobState::completed);
    EXPECT_EQ(record.result, "7");
}

TEST_P(ChangesTest, WaitEndsHoweverTheJobEnds) {
    TRANTER_NEEDS(history);
    const std::string doomed = enqueue(job());
    const ReceivedJob got = take();
    const std::string unwanted = scheduled();
    const auto wait_for = [this](const std::string& id) {
        return std::async(std::launch::async, [this, id] { return store().wait(id, minutes(5)); });
    };
    auto dead = wait_for(doomed);
    auto cancelled = wait_for(unwanted);

    must(settle(got, Dead{.type = "E", .reason = "r"}));
    must(store().cancel(unwanted));

    ASSERT_EQ(dead.wait_for(seconds(20)), std::future_status::ready);
    ASSERT_EQ(cancelled.wait_for(seconds(20)), std::future_status::ready);
    EXPECT_EQ(must(dead.get()).state, JobState::dead);
    EXPECT_EQ(must(cancelled.get()).state, JobState::cancelled);
}

TEST_P(ChangesTest, WaitTimesOut) {
    const std::string id = enqueue(job());
    EXPECT_EQ(code_of(store().wait(id, milliseconds(0))), Errc::timed_out);
    if (can().virtual_time) return;
    const auto before = std::chrono::steady_clock::now();

    EXPECT_EQ(code_of(store().wait(id, milliseconds(200))), Errc::timed_out);

    EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(200));
}

TEST_P(ChangesTest, WaitGoesOnThroughFailedAttempts) {
    TRANTER_NEEDS(history);
    const std::string id = enqueue(job("1", {.retry = at_once()}));
    auto call =
        std::async(std::launch::async, [this, &id] { return store().wait(id, minutes(5)); });
    must(settle(take(), Failed{.type = "E", .text = "e"}));

    complete(take(), "2");

    ASSERT_EQ(call.wait_for(seconds(20)), std::future_status::ready);
    EXPECT_EQ(must(call.get()).attempt, 2U);
}

}  // namespace
}  // namespace tranter::conformance
