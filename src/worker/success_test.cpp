// How many runs of an attempt have to complete, and what becomes of the others.
#include "worker/test_worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>

namespace tranter {
namespace {

using namespace std::chrono_literals;

class SuccessTest : public WorkerTest {
  public:
    ~SuccessTest() override = default;

  protected:
    /// Once all have begun, all but the run `good` wait until they are asked to stop.
    auto only_completes(std::uint32_t good) {
        return [this, good](Context& context) -> Outcome<std::uint32_t> {
            arrive(context);
            if (context.run() == good) return context.run();
            wait_for(context.stop_token());
            reason_ = context.stop_reason();
            return cancelled();
        };
    }
    /// Waits for the other runs, or until it is asked to stop: then the others may never begin.
    void arrive(const Context& context) {
        const std::stop_callback at_stop(context.stop_token(), [&] {
            begun_ = context.runs();
            begun_.notify_all();
        });
        ++begun_;
        begun_.notify_all();
        for (auto begun = begun_.load(); begun < context.runs(); begun = begun_)
            begun_.wait(begun);
    }
    std::string completed_result() { return std::get<Completed>(first_ended().outcome).result; }

    std::atomic<std::uint32_t> begun_ = 0;
    std::atomic<StopReason> reason_{};
};

TEST_F(SuccessTest, OneRunIsEnoughForAnyAndTheOthersAreAskedToStop) {
    handlers_.on("race", only_completes(2));
    start({.concurrency = 3});

    enqueue("race", {.runs = 3, .success = SuccessPolicy::any()});

    EXPECT_EQ(completed_result(), "[null,2,null]");
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.completed = 1});
    EXPECT_EQ(reason_, StopReason::decided);
}

TEST_F(SuccessTest, OnceItIsDecidedNoFurtherRunBegins) {
    handlers_.on("vote", [&](Context& context) {
        ++begun_;
        if (context.run() == 1) throw std::runtime_error("no");
        return context.run();
    });
    start();

    enqueue("vote", {.runs = 9, .max_parallel_runs = 1, .success = SuccessPolicy::at_least(2)});

    EXPECT_EQ(completed_result(), "[null,2,3,null,null,null,null,null,null]");
    worker_->stop();
    EXPECT_EQ(begun_, 3);
}

TEST_F(SuccessTest, ItFailsAsSoonAsItCanNoLongerSucceed) {
    handlers_.on("vote", [&](Context& context) -> Outcome<> {
        ++begun_;
        return retry("no " + std::to_string(context.run()));
    });
    start({.concurrency = 1});

    enqueue(
        "vote",
        {.max_attempts = 1,
         .runs = 5,
         .max_parallel_runs = 1,
         .success = SuccessPolicy::at_least(4)}
    );

    EXPECT_EQ(std::get<Failed>(first_ended().outcome).text, "run 1 of 5: no 1");
    worker_->stop();
    EXPECT_EQ(begun_, 2);
}

TEST_F(SuccessTest, AFailureIsToldOnceTheOtherRunsHaveStopped) {
    std::binary_semaphore asked{0};
    std::binary_semaphore end{0};
    handlers_.on("part", [&](Context& context) {
        arrive(context);
        if (context.run() == 1) throw std::runtime_error("no disk");
        wait_for(context.stop_token());
        asked.release();
        end.acquire();
        throw std::logic_error("interrupted");
    });
    start({.concurrency = 2});
    enqueue("part", {.max_attempts = 1, .runs = 2});

    asked.acquire();
    EXPECT_EQ(provider_->calls("settle"), 0);
    end.release();

    EXPECT_EQ(std::get<Failed>(first_ended().outcome).text, "run 1 of 2: no disk");
}

TEST_F(SuccessTest, TheHandlerKnowsBetterThanTheJob) {
    handlers_.on("race", only_completes(1), {.runs = 2, .success = SuccessPolicy::at_least(1)});
    start({.concurrency = 2});

    enqueue("race");

    EXPECT_EQ(completed_result(), "[1,null]");
}

TEST_F(SuccessTest, ATimeoutEndsAllRuns) {
    handlers_.on("race", only_completes(9));
    start({.concurrency = 2});

    enqueue(
        "race", {.max_attempts = 1, .timeout = 5ms, .runs = 2, .success = SuccessPolicy::any()}
    );

    EXPECT_EQ(std::get<Failed>(first_ended().outcome).type, "timeout");
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.dead = 1});
    EXPECT_EQ(reason_, StopReason::timeout);
}

TEST_F(SuccessTest, ACancelledAttemptIsNoSuccess) {
    handlers_.on("race", only_completes(9));
    start({.concurrency = 2, .lease = 1s});
    const std::string id = enqueue("race", {.runs = 2, .success = SuccessPolicy::any()});

    provider_->request_cancel(id);

    EXPECT_TRUE(std::holds_alternative<Stopped>(first_ended().outcome));
}

TEST_F(SuccessTest, AtTheEndOfTheWorkerTheAttemptDoesNotCount) {
    std::binary_semaphore begun{0};
    handlers_.on("vote", [&](Context& context) {
        if (context.run() == 1) return 1;
        begun.release();
        wait_for(context.stop_token());
        throw std::runtime_error("interrupted");
    });
    start({.concurrency = 2, .shutdown_timeout = 0ms});
    enqueue("vote", {.runs = 3, .max_parallel_runs = 2, .success = SuccessPolicy::at_least(2)});
    begun.acquire();

    EXPECT_EQ(counts_after_stop(), WorkerCounts{.released = 1});
}

}  // namespace
}  // namespace tranter
