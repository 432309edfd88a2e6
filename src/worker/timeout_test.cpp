// When the store hears of an attempt that has timed out.
#include "worker/test_worker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <semaphore>
#include <string>
#include <thread>

namespace tranter {
namespace {

using namespace std::chrono_literals;

class TimeoutTest : public WorkerTest {
  public:
    ~TimeoutTest() override = default;

  protected:
    /// Goes on after it was asked to stop.
    auto slow_to_stop() {
        return [this](Context& context) {
            wait_for(context.stop_token());
            reason_ = context.stop_reason();
            asked_.release();
            end_.acquire();
            return 5;
        };
    }
    /// Whatever was told before is in the store, since outcomes go there in their order.
    void let_another_job_complete() {
        enqueue("fast");
        const auto ended = provider_->wait_for_ended(1);
        ASSERT_EQ(ended.size(), 1);
        EXPECT_TRUE(std::holds_alternative<Completed>(ended[0].outcome));
    }

    std::atomic<StopReason> reason_{};
    std::counting_semaphore<> asked_{0};
    std::counting_semaphore<> end_{0};
};

TEST_F(TimeoutTest, IsToldWhenTheHandlerHasReturnedWhateverThatSays) {
    handlers_.on("slow", slow_to_stop());
    handlers_.on("fast", [](Context&) {});
    start({.concurrency = 2, .stop_grace = 1h});
    enqueue("slow", {.max_attempts = 1, .timeout = 5ms});
    asked_.acquire();

    let_another_job_complete();
    EXPECT_EQ(reason_, StopReason::timeout);
    end_.release();

    const auto failed = std::get<Failed>(provider_->wait_for_ended(2).at(1).outcome);
    EXPECT_EQ(failed.type, "timeout");
    EXPECT_EQ(failed.text, "the attempt took longer than its timeout 5ms");
    EXPECT_EQ(counts_after_stop(), (WorkerCounts{.completed = 1, .dead = 1}));
    EXPECT_EQ(provider_->wait_for_ended(2).size(), 2);
}

TEST_F(TimeoutTest, OfSeveralRunsIsToldWhenTheLastHasReturned) {
    handlers_.on("slow", [&, slow = slow_to_stop()](Context& context) {
        if (context.run() == 1) return slow(context);
        wait_for(context.stop_token());
        asked_.release();
        return 1;
    });
    handlers_.on("fast", [](Context&) {});
    start({.concurrency = 3, .stop_grace = 1h});
    enqueue(
        "slow", {.max_attempts = 1, .timeout = 5ms, .runs = 2, .success = SuccessPolicy::any()}
    );
    asked_.acquire();
    asked_.acquire();

    let_another_job_complete();
    end_.release();

    EXPECT_EQ(std::get<Failed>(provider_->wait_for_ended(2).at(1).outcome).type, "timeout");
    EXPECT_EQ(counts_after_stop(), (WorkerCounts{.completed = 1, .dead = 1}));
}

TEST_F(TimeoutTest, IsNotToldOfAJobThatItsHandlerHasSettledItself) {
    handlers_.on("slow", [](Context& context) -> Outcome<> {
        wait_for(context.stop_token());
        return settled();
    });
    start({.stop_grace = 1h});
    enqueue("slow", {.max_attempts = 1, .timeout = 5ms});
    while (worker_->figures().counts.completed == 0)
        std::this_thread::yield();

    EXPECT_EQ(counts_after_stop(), WorkerCounts{.completed = 1});
}

TEST_F(TimeoutTest, KeepsTheLeaseUntilTheHandlerHasReturned) {
    handlers_.on("slow", slow_to_stop());
    start({.lease = 1s, .stop_grace = 1h});
    enqueue("slow", {.max_attempts = 1, .timeout = 5ms});
    asked_.acquire();

    EXPECT_TRUE(provider_->wait_for_calls("extend", 3));
    end_.release();

    EXPECT_EQ(std::get<Failed>(first_ended().outcome).type, "timeout");
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.dead = 1});
}

TEST_F(TimeoutTest, DoesNotWaitForEverForAHandlerThatDoesNotListen) {
    handlers_.on("deaf", slow_to_stop());
    start({.stop_grace = 5ms});
    enqueue("deaf", {.max_attempts = 1, .timeout = 5ms});

    EXPECT_EQ(std::get<Failed>(first_ended().outcome).type, "timeout");
    end_.release();

    EXPECT_EQ(counts_after_stop(), WorkerCounts{.dead = 1});
    EXPECT_EQ(provider_->wait_for_ended(1).size(), 1);
}

TEST_F(TimeoutTest, OfTheHandlerCountsMoreThanThatOfTheJob) {
    handlers_.on(
        "slow", [](Context& context) { wait_for(context.stop_token()); }, {.timeout = 5ms}
    );
    start();

    enqueue("slow", {.max_attempts = 1, .timeout = 1h});

    EXPECT_EQ(std::get<Failed>(first_ended().outcome).type, "timeout");
}

}  // namespace
}  // namespace tranter
