// The calls that do not block, of stores that have them.
#include "fixture.hpp"

#include <future>
#include <memory>
#include <optional>

namespace tranter::conformance {
namespace {

/// What `done` of one call was given; it may be called once.
template <class T>
class Answer {
  public:
    AsyncProvider::Done<T> done() {
        return [state = state_](Result<T> result) {
            state->set_value(std::move(result));
        };
    }
    Result<T> get() {
        if (future_.wait_for(seconds(20)) != std::future_status::ready)
            return fail(Errc::timed_out, "no answer within 20 s");
        return future_.get();
    }
    bool is_there() { return future_.wait_for(seconds(0)) == std::future_status::ready; }

  private:
    // Owned by the test and by the call, which may answer after the test gave up.
    std::shared_ptr<std::promise<Result<T>>> state_ = std::make_shared<std::promise<Result<T>>>();
    std::future<Result<T>> future_ = state_->get_future();
};

class AsyncTest : public ProviderTest {
  public:
    void SetUp() override {
        ProviderTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        if (store().async() == nullptr) GTEST_SKIP() << kind().name << " has only blocking calls";
    }

    AsyncProvider& async() { return *store().async(); }
    void make_queue() {
        enqueue(job());
        complete(take());
    }
};
TRANTER_FOR_ALL_STORES(AsyncTest);

TEST_P(AsyncTest, EnqueuesReceivesAndSettles) {
    Answer<std::vector<Enqueued>> enqueued;
    async().enqueue(queue(), {job("1"), job("2")}, enqueued.done());
    const auto ids = ids_of(must(enqueued.get()));
    ASSERT_EQ(ids.size(), 2U);

    Answer<std::vector<ReceivedJob>> received;
    async().receive({.queue = queue(), .jobs_max = 10}, received.done());
    const auto jobs = must(received.get());
    EXPECT_EQ(ids_of(jobs), ids);

    Answer<std::vector<Result<>>> settled;
    async().settle(
        queue(),
        {{.receipt = jobs.at(0).receipt, .outcome = Completed{}},
         {.receipt = "nonsense", .outcome = Completed{}}},
        settled.done()
    );
    const auto results = must(settled.get());
    ASSERT_EQ(results.size(), 2U);
    EXPECT_TRUE(results.at(0));
    EXPECT_FALSE(results.at(1));
}

TEST_P(AsyncTest, RefusesAsTheBlockingCallsDo) {
    Answer<std::vector<Enqueued>> enqueued;
    async().enqueue(queue(), {job("{")}, enqueued.done());
    EXPECT_EQ(code_of(enqueued.get()), Errc::invalid_argument);

    Answer<std::vector<ReceivedJob>> received;
    async().receive({.queue = queue(), .jobs_max = 0}, received.done());
    EXPECT_EQ(code_of(received.get()), Errc::invalid_argument);
}

TEST_P(AsyncTest, AJobAnswersAReceiveThatWaits) {
    make_queue();
    Answer<std::vector<ReceivedJob>> received;
    auto end = async().receive({.queue = queue(), .wait = seconds(1)}, received.done());
    EXPECT_FALSE(received.is_there());

    const std::string id = enqueue(job());

    EXPECT_EQ(ids_of(must(received.get())), std::vector{id});
    end();
    end();
}

TEST_P(AsyncTest, ItsCallerEndsAWait) {
    make_queue();
    Answer<std::vector<ReceivedJob>> received;
    auto end = async().receive({.queue = queue(), .wait = seconds(1)}, received.done());

    end();
    end();

    EXPECT_TRUE(must(received.get()).empty());
    enqueue(job());
    EXPECT_EQ(take().attempt, 1U);
}

TEST_P(AsyncTest, WhatIsTakenBackIsAvailableAtOnceAndDoesNotCount) {
    const auto ids = enqueue_all({job("1"), job("2")});
    const auto jobs = take_many(2);

    async().take_back(queue(), {jobs.at(0).receipt, jobs.at(1).receipt});

    const auto again = take_many(2);
    EXPECT_EQ(ids_of(again), ids);
    EXPECT_EQ(again.at(0).attempt, 1U);
}

TEST_P(AsyncTest, WaitsForTheEndOfAJob) {
    const std::string id = enqueue(job());
    Answer<std::optional<JobRecord>> finished;
    auto end = async().wait(id, finished.done());
    EXPECT_FALSE(finished.is_there());

    complete(take(), "7");

    const auto record = must(finished.get());
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record.value_or(JobRecord{}).result, "7");
    end();
}

TEST_P(AsyncTest, TheEndOfAWaitForAJobIsNothing) {
    const std::string id = enqueue(job());
    Answer<std::optional<JobRecord>> finished;
    auto end = async().wait(id, finished.done());

    end();

    EXPECT_FALSE(must(finished.get()).has_value());
}

}  // namespace
}  // namespace tranter::conformance
