#include "fixture.hpp"

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <vector>

namespace tranter {
namespace {

struct Sweep {
    int site = 0;
    static constexpr std::string_view kind = "sweep";
    static constexpr auto unique = std::tuple{"site"};
};

using testing::ElementsAre;
using testing::SizeIs;

TEST_F(JobsTest, AResultComesBackAsItsType) {
    handlers_.on<Add>([](const Add& job) { return job.left + job.right; });
    start();

    const auto job = client_.enqueue(Add{.left = 40, .right = 2});

    ASSERT_TRUE(job);
    EXPECT_EQ(job->result<int>(patience), 42);
    const JobRecord record = finished(*job);
    EXPECT_EQ(record.state, JobState::completed);
    EXPECT_EQ(record.type, "add");
    EXPECT_EQ(record.payload, R"({"left":40,"right":2})");
    EXPECT_EQ(record.attempt, 1);
}

TEST_F(JobsTest, AWorkerMayWaitForAQueueThatIsNotThereYet) {
    handlers_.on("a", [](Context&) { return 1; });
    start({.queues = {"later"}});

    EXPECT_EQ(enqueue("a", {.queue = "later"}).result<int>(patience), 1);
}

TEST_F(JobsTest, AHandlerMayEnqueue) {
    handlers_.on("first", [&](Context&) { return enqueue("second").id(); });
    handlers_.on("second", [](Context&) { return 2; });
    start();

    const auto second = enqueue("first").result<std::string>(patience);

    ASSERT_TRUE(second);
    EXPECT_EQ(client_.job(*second).result<int>(patience), 2);
}

TEST_F(JobsTest, SeveralWorkersDoEachJobOnce) {
    constexpr int count = 1000;  // as many finished jobs of a queue as are kept in memory
    std::vector<std::atomic<int>> done(count);
    handlers_.on<Add>([&](const Add& job) { ++done[static_cast<std::size_t>(job.left)]; });
    std::vector<Add> jobs(count);
    for (int i = 0; i < count; ++i)
        jobs[static_cast<std::size_t>(i)].left = i;
    start();
    Worker other(client_, handlers_, {.concurrency = 2});
    other.start();

    const auto handles = or_throw(client_.enqueue_all(jobs));

    for (const JobHandle& job : handles)
        EXPECT_EQ(finished(job).state, JobState::completed);
    EXPECT_TRUE(std::ranges::all_of(done, [](const auto& times) { return times == 1; }));
    worker_->stop();
    other.stop();
    EXPECT_EQ(
        worker_->figures().counts.completed + other.figures().counts.completed, std::size_t{count}
    );
}

TEST_F(JobsTest, TheFirstPriorityComesFirst) {
    std::mutex mutex;
    std::vector<int> order;
    handlers_.on<Add>([&](const Add& job) {
        const std::lock_guard lock(mutex);
        order.push_back(job.left);
    });
    for (const int priority : {5, 9, 0})
        ASSERT_TRUE(client_.enqueue(Add{.left = priority}, {.priority = priority}));

    Worker worker(client_, handlers_);
    EXPECT_EQ(worker.drain().completed, 3);

    EXPECT_THAT(order, ElementsAre(0, 5, 9));
}

TEST_F(JobsTest, APausedQueueWaits) {
    handlers_.on("a", [](Context&) { return 1; });
    const JobHandle job = enqueue("a");
    ASSERT_TRUE(client_.pause("default"));
    Worker worker(client_, handlers_);

    EXPECT_EQ(worker.drain(), WorkerCounts());
    ASSERT_TRUE(client_.resume("default"));
    EXPECT_EQ(worker.drain().completed, 1);

    EXPECT_EQ(finished(job).state, JobState::completed);
}

TEST_F(JobsTest, LogAndProgressAreKeptWithTheJob) {
    handlers_.on("talk", [](Context& context) {
        context.log("step {}", 1);
        context.set_progress(0.5);
        context.log("done");
    });
    start();

    const JobRecord job = finished(enqueue("talk"));

    EXPECT_EQ(job.progress, "0.5");
    EXPECT_THAT(or_throw(client_.log_of(job.id)).lines, ElementsAre("step 1", "done"));
}

TEST_F(JobsTest, AStepIsDoneOnceForAllAttempts) {
    std::atomic<int> charged = 0;
    handlers_.on("pay", [&](Context& context) {
        const int receipt = context.step("charge", [&] { return ++charged; });
        if (context.attempt() < 3) throw std::runtime_error("mail is down");
        return receipt;
    });
    start();

    EXPECT_EQ(enqueue("pay").result<int>(patience), 1);
    EXPECT_EQ(charged, 1);
}

TEST_F(JobsTest, ADuplicateIsTheJobThatIsThereAlready) {
    const auto first = or_throw(client_.enqueue(Sweep{.site = 1}));
    const auto second = or_throw(client_.enqueue(Sweep{.site = 1}));
    const auto other = or_throw(client_.enqueue(Sweep{.site = 2}));

    EXPECT_EQ(first.duplicate_of(), "");
    EXPECT_EQ(second.id(), first.id());
    EXPECT_EQ(second.duplicate_of(), first.id());
    EXPECT_EQ(other.duplicate_of(), "");
    const auto waiting = or_throw(client_.enqueued<Sweep>());
    ASSERT_THAT(waiting, SizeIs(2));
    EXPECT_EQ(waiting[1].site, 2);
}

TEST_F(JobsTest, RunsAreParallelAndTheirResultsAnArray) {
    std::latch together(3);
    handlers_.on("part", [&](Context& context) {
        together.arrive_and_wait();
        return context.run();
    });
    start({.concurrency = 3});

    const auto results = enqueue("part", {.runs = 3}).result<std::vector<int>>(patience);

    EXPECT_EQ(results, (std::vector{1, 2, 3}));
}

TEST_F(JobsTest, ARunningJobIsCancelled) {
    std::binary_semaphore begun{0};
    std::atomic<StopReason> reason{};
    handlers_.on("slow", [&](Context& context) -> Outcome<> {
        begun.release();
        wait_for(context.stop_token());
        reason = context.stop_reason();
        return cancelled();
    });
    start({.lease = 1s});
    const JobHandle job = enqueue("slow");
    begun.acquire();

    EXPECT_EQ(client_.cancel(job.id()), Cancelled::requested);

    EXPECT_EQ(finished(job).state, JobState::cancelled);
    EXPECT_EQ(reason, StopReason::cancelled);
}

TEST_F(JobsTest, AnInterruptedAttemptDoesNotCount) {
    std::binary_semaphore begun{0};
    handlers_.on("slow", [&](Context& context) {
        begun.release();
        wait_for(context.stop_token());
        throw std::runtime_error("interrupted");
    });
    start({.shutdown_timeout = 0ms});
    const JobHandle job = enqueue("slow");
    begun.acquire();
    worker_->stop();

    Registry quick;
    quick.on("slow", [](Context& context) { return context.attempt(); });
    Worker next(client_, quick);
    EXPECT_EQ(next.drain().completed, 1);

    EXPECT_EQ(job.result<int>(patience), 1);
    EXPECT_TRUE(finished(job).failures.empty());
}

TEST_F(JobsTest, WhatADeadWorkerHeldRunsAgain) {
    const JobHandle job = enqueue("a");
    const auto held = client_.provider()->receive({.queue = "default", .lease = 1s});
    ASSERT_THAT(held, testing::Truly([](const auto& jobs) { return jobs && jobs->size() == 1; }));
    handlers_.on("a", [](Context& context) { return context.attempt(); });

    start();

    EXPECT_EQ(job.result<int>(patience), 2);
    const auto failures = finished(job).failures;
    ASSERT_THAT(failures, SizeIs(1));
    EXPECT_EQ(failures[0].type, "lease_expired");
}

TEST_F(JobsTest, AWrongUrlIsThrown) {
    EXPECT_THROW(Client("nonsense"), Exception);
    EXPECT_FALSE(Client::open("memory:x"));
    EXPECT_TRUE(Client::open("memory:"));
}

}  // namespace
}  // namespace tranter
