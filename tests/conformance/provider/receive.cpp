// Receiving: batches, waits and how they end, leases.
#include "fixture.hpp"

#include <future>
#include <thread>

namespace tranter::conformance {
namespace {

using ReceivedJobs = Result<std::vector<ReceivedJob>>;

class ReceiveTest : public ProviderTest {
  public:
    /// On another thread. Long waits, so that a test that hangs is seen to.
    std::future<ReceivedJobs> receive_on_a_thread(ReceiveRequest request) {
        request.queue = queue();
        return std::async(std::launch::async, [this, request] { return store().receive(request); });
    }

    static ReceivedJobs result_of(std::future<ReceivedJobs>& call) {
        if (call.wait_for(seconds(20)) != std::future_status::ready)
            ADD_FAILURE() << "a receive did not end";
        return call.get();
    }

    /// The queue is there, and empty.
    void make_queue() {
        enqueue(job());
        complete(take());
    }
};
TRANTER_FOR_ALL_STORES(ReceiveTest);

TEST_P(ReceiveTest, AnEmptyQueueGivesNothing) {
    make_queue();

    EXPECT_TRUE(must(store().receive({.queue = queue(), .jobs_max = 10})).empty());
}

TEST_P(ReceiveTest, GivesNoMoreThanAskedFor) {
    enqueue_all({job("1"), job("2"), job("3")});

    EXPECT_EQ(receive({.queue = queue(), .jobs_max = 2}).size(), 2U);
    EXPECT_EQ(receive({.queue = queue(), .jobs_max = 2}).size(), 1U);
}

TEST_P(ReceiveTest, GivesWhatThereIsWithoutWaitingForMore) {
    enqueue(job());

    const auto jobs = receive({.queue = queue(), .jobs_max = 10, .wait = minutes(5)});

    EXPECT_EQ(jobs.size(), 1U);
}

TEST_P(ReceiveTest, AJobIsHandedOutOnce) {
    enqueue(job());

    EXPECT_EQ(receive({.queue = queue(), .jobs_max = 10}).size(), 1U);
    EXPECT_TRUE(nothing_left());
}

TEST_P(ReceiveTest, AJobEndsTheWait) {
    make_queue();
    auto call = receive_on_a_thread({.wait = minutes(5)});

    const std::string id = enqueue(job());

    const ReceivedJobs jobs = result_of(call);
    ASSERT_TRUE(jobs) << message_of(jobs);
    EXPECT_EQ(ids_of(*jobs), std::vector{id});
}

TEST_P(ReceiveTest, EveryWaitingReceiverGetsAJob) {
    make_queue();
    std::vector<std::future<ReceivedJobs>> calls;
    for (int i = 0; i < 4; ++i)
        calls.push_back(receive_on_a_thread({.wait = minutes(5)}));

    const auto ids = enqueue_all({job("1"), job("2"), job("3"), job("4")});

    std::vector<std::string> got;
    for (auto& call : calls) {
        const ReceivedJobs jobs = result_of(call);
        ASSERT_TRUE(jobs) << message_of(jobs);
        ASSERT_EQ(jobs->size(), 1U);
        got.push_back(jobs->front().id);
    }
    EXPECT_THAT(got, testing::UnorderedElementsAreArray(ids));
}

TEST_P(ReceiveTest, TimeEndsTheWait) {
    make_queue();
    if (can().virtual_time) GTEST_SKIP() << "time stands still";
    const auto before = std::chrono::steady_clock::now();
    const milliseconds wait = std::max(milliseconds(200), grain());

    const auto jobs = must(store().receive({.queue = queue(), .wait = wait}));

    EXPECT_TRUE(jobs.empty());
    EXPECT_GE(std::chrono::steady_clock::now() - before, wait);
}

TEST_P(ReceiveTest, AStopRequestEndsTheWait) {
    make_queue();
    std::stop_source stop;
    auto call = receive_on_a_thread({.wait = minutes(5), .stop = stop.get_token()});

    stop.request_stop();

    const ReceivedJobs jobs = result_of(call);
    ASSERT_TRUE(jobs) << message_of(jobs);
    EXPECT_TRUE(jobs->empty());
}

TEST_P(ReceiveTest, AStopRequestBeforeTheWaitEndsItAsWell) {
    make_queue();
    std::stop_source stop;
    stop.request_stop();

    const auto jobs =
        store().receive({.queue = queue(), .wait = minutes(5), .stop = stop.get_token()});

    ASSERT_TRUE(jobs) << message_of(jobs);
    EXPECT_TRUE(jobs->empty());
}

TEST_P(ReceiveTest, AReceiverThatWasStoppedTakesNoJobAway) {
    make_queue();
    // SQS knows nothing of a receiver that has gone, so there it may take a lease.
    const bool knows = can().look_up;
    for (int i = 0; i < (knows ? 10 : 2); ++i) {
        std::stop_source stop;
        auto call = receive_on_a_thread(
            {.lease = seconds(knows ? 30 : 3), .wait = minutes(5), .stop = stop.get_token()}
        );
        std::jthread stopper([&stop] { stop.request_stop(); });
        const std::string id = enqueue(job());

        const ReceivedJobs jobs = result_of(call);
        ASSERT_TRUE(jobs) << message_of(jobs);

        // It has the job, or the next one gets it in its first attempt.
        const ReceivedJob got = jobs->empty() ? take() : jobs->front();
        EXPECT_EQ(got.id, id);
        if (knows) {
            EXPECT_EQ(got.attempt, 1U);
        }
        complete(got);
    }
}

TEST_P(ReceiveTest, AQueueThatIsNotThereYetCanBeWaitedFor) {
    if (!can().look_up) {  // SQS asks who receives to make the queue first
        EXPECT_EQ(code_of(store().receive({.queue = queue()})), Errc::not_found);
        return;
    }
    auto call = receive_on_a_thread({.wait = minutes(5)});

    const std::string id = enqueue(job());

    const ReceivedJobs jobs = result_of(call);
    ASSERT_TRUE(jobs) << message_of(jobs);
    EXPECT_EQ(ids_of(*jobs), std::vector{id});
}

TEST_P(ReceiveTest, ADelayedJobEndsTheWaitWhenItIsDue) {
    NewJob later = job();
    later.delay = std::max(milliseconds(200), grain());
    const std::string id = enqueue(later);

    const auto jobs = receive({.queue = queue(), .wait = seconds(20)});

    EXPECT_EQ(ids_of(jobs), std::vector{id});
}

TEST_P(ReceiveTest, AJobComesAgainWhenItsLeaseEnds) {
    const std::string id = enqueue(job("1", {.retry = at_once()}));
    const TimePoint before = now();
    const ReceivedJob first = take(seconds(1));
    EXPECT_EQ(first.attempt, 1U);

    const ReceivedJob second = take();

    EXPECT_EQ(second.id, id);
    EXPECT_EQ(second.attempt, 2U);
    EXPECT_NE(second.receipt, first.receipt);
    EXPECT_GE(now() - before, seconds(1));
}

TEST_P(ReceiveTest, ALeaseThatEndedIsAFailureOfItsAttempt) {
    TRANTER_NEEDS(look_up);
    const std::string id = enqueue(job("1", {.retry = at_once()}));
    take(seconds(1));
    take();

    const JobRecord record = find(id);

    EXPECT_EQ(record.attempt, 2U);
    ASSERT_EQ(record.failures.size(), 1U);
    EXPECT_EQ(record.failures.front().attempt, 1U);
    EXPECT_EQ(record.failures.front().type, "lease_expired");
}

TEST_P(ReceiveTest, ARunningJobIsShownAsProcessing) {
    TRANTER_NEEDS(look_up);
    const std::string id = enqueue(job());
    const TimePoint before = now() - seconds(5);
    const auto jobs = receive({.queue = queue(), .lease = minutes(10), .worker = "w-1"});
    ASSERT_EQ(jobs.size(), 1U);

    const JobRecord record = find(id);

    EXPECT_EQ(record.state, JobState::processing);
    EXPECT_EQ(record.attempt, 1U);
    EXPECT_EQ(record.worker, "w-1");
    EXPECT_GE(record.started_at.value_or(TimePoint{}), before);
    EXPECT_GT(record.lease_until.value_or(TimePoint{}), before + minutes(9));
    EXPECT_EQ(stats().processing, 1U);
}

TEST_P(ReceiveTest, RefusesWhatNobodyCouldDo) {
    make_queue();

    EXPECT_EQ(code_of(store().receive({.queue = queue(), .jobs_max = 0})), Errc::invalid_argument);
    EXPECT_EQ(
        code_of(store().receive({.queue = queue(), .lease = milliseconds(999)})),
        Errc::invalid_argument
    );
    EXPECT_EQ(code_of(store().receive({.queue = "a b"})), Errc::invalid_argument);
}

TEST_P(ReceiveTest, CloseEndsWaitsAndRefusesWhatComesLater) {
    make_queue();
    auto call = receive_on_a_thread({.wait = minutes(5)});

    store().close();

    const ReceivedJobs jobs = result_of(call);
    if (!jobs) {
        EXPECT_EQ(code_of(jobs), Errc::unavailable) << message_of(jobs);
    } else {
        EXPECT_TRUE(jobs->empty());
    }
    EXPECT_EQ(code_of(store().receive({.queue = queue()})), Errc::unavailable);
    EXPECT_EQ(code_of(try_enqueue({job()})), Errc::unavailable);
    EXPECT_EQ(code_of(store().stats(queue())), Errc::unavailable);
    EXPECT_EQ(code_of(store().queues()), Errc::unavailable);
    store().close();
}

}  // namespace
}  // namespace tranter::conformance
