// The limits of one worker, and what it asks the store for.
#include "worker/test_worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <map>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

namespace tranter {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class LimitsTest : public WorkerTest {
  public:
    ~LimitsTest() override = default;

  protected:
    /// Handlers that wait until the test ends them.
    auto held() {
        return [this](Context&) {
            ++begun_;
            end_.acquire();
            end_.release();
        };
    }
    /// As long as it takes, and a minute at most.
    template <class Condition>
    static bool eventually(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + 1min;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::yield();
        }
        return true;
    }

    std::atomic<int> begun_ = 0;
    std::binary_semaphore end_{0};
};

TEST_F(LimitsTest, AJobThatMayNotBeginHoldsNoSlotAndKeepsNobodyBack) {
    handlers_.on("limited", held(), {.concurrency = 1});
    handlers_.on("other", [](Context&) {});
    for (int i = 0; i < 3; ++i)
        enqueue("limited");
    enqueue("other");

    Worker& worker = start({.concurrency = 2});

    EXPECT_TRUE(std::holds_alternative<Completed>(first_ended().outcome));
    EXPECT_TRUE(eventually([&] { return begun_ == 1 && worker.figures().running == 1; }));
    EXPECT_EQ(worker.figures().blocked, 2);
    EXPECT_EQ(worker.figures().waiting, 2);
    EXPECT_EQ(begun_, 1);
    end_.release();
    EXPECT_EQ(provider_->wait_for_ended(4).size(), 4);
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.completed = 4});
}

TEST_F(LimitsTest, OnlySoManyMayBeBlockedAndMoreAreNotAskedForWhileNobodyIsFree) {
    handlers_.on("limited", held(), {.concurrency = 1});
    for (int i = 0; i < 100; ++i)
        enqueue("limited");

    Worker& worker = start({.concurrency = 1});

    EXPECT_TRUE(eventually([&] { return begun_ == 1; }));
    EXPECT_LE(worker.figures().blocked, 8);
    EXPECT_LE(provider_->largest_receive(), 8);
    end_.release();
    EXPECT_TRUE(eventually([&] { return worker.figures().counts.completed == 100; }));
    EXPECT_EQ(begun_, 100);
}

TEST_F(LimitsTest, JobsBehindManyThatMayNotBeginComeToTheirTurn) {
    handlers_.on("limited", held(), {.concurrency = 1});
    handlers_.on("other", [](Context&) {});
    constexpr std::uint64_t many = 60;
    for (std::uint64_t i = 0; i < many; ++i)
        enqueue("limited");
    enqueue("other");

    Worker& worker = start({.concurrency = 2});

    EXPECT_TRUE(eventually([&] { return worker.figures().counts.completed == 1; }));
    EXPECT_EQ(begun_, 1);
    EXPECT_EQ(worker.figures().blocked, 8);
    EXPECT_EQ(worker.figures().counts.failed, 0);
    end_.release();
    EXPECT_TRUE(eventually([&] { return worker.figures().counts.completed == many + 1; }));
    EXPECT_EQ(begun_, many);
}

TEST_F(LimitsTest, AGroupHasItsLimitAndGroupsRunBesideEachOther) {
    std::mutex mutex;
    std::map<std::string, int> running;
    int most = 0;
    std::latch both(2);
    handlers_.on("a", [&](Context& context) {
        const std::string& group = context.group();
        {
            const std::lock_guard lock(mutex);
            most = std::max(most, ++running[group]);
        }
        if (context.payload() == "1") both.arrive_and_wait();
        const std::lock_guard lock(mutex);
        --running[group];
    });
    for (const char* group : {"x", "x", "x", "x", "y"}) {
        const bool is_first = group == std::string("y") || provider_->waiting("default") == 0;
        ASSERT_TRUE(client_.enqueue(
            {.type = "a", .payload = is_first ? "1" : "0", .options = {.group = group}}
        ));
    }

    start({.concurrency = 4, .group_concurrency = 1});

    EXPECT_EQ(provider_->wait_for_ended(5).size(), 5);
    EXPECT_EQ(most, 1);
}

TEST_F(LimitsTest, AQueueAtItsLimitIsNotAskedForMore) {
    handlers_.on("a", held());
    for (int i = 0; i < 5; ++i)
        enqueue("a", {.queue = "x"});

    Worker& worker = start({.queues = {{"x", 1, 2}, "y"}, .concurrency = 4});

    EXPECT_TRUE(eventually([&] { return begun_ == 2; }));
    enqueue("a", {.queue = "y"});
    EXPECT_TRUE(eventually([&] { return begun_ == 3; }));
    EXPECT_EQ(provider_->waiting("x"), 3);
    EXPECT_EQ(worker.figures().blocked, 0);
    end_.release();
    EXPECT_EQ(provider_->wait_for_ended(6).size(), 6);
}

TEST_F(LimitsTest, InStrictOrderALaterQueueOnlyGetsWhatEarlierOnesLeave) {
    std::mutex mutex;
    std::vector<std::string> order;
    handlers_.on("a", [&](Context& context) {
        const std::lock_guard lock(mutex);
        order.push_back(context.queue());
    });
    for (int i = 0; i < 3; ++i) {
        enqueue("a", {.queue = "late"});
        enqueue("a", {.queue = "first"});
    }

    start({.queues = {"first", "late"}, .queue_order = QueueOrder::strict, .concurrency = 1});

    EXPECT_EQ(provider_->wait_for_ended(6).size(), 6);
    worker_->stop();
    EXPECT_THAT(order, ElementsAre("first", "first", "first", "late", "late", "late"));
}

TEST_F(LimitsTest, AnEmptyQueueDoesNotKeepSlotsFromTheOthers) {
    std::latch all_run(4);
    handlers_.on("a", [&](Context&) { all_run.arrive_and_wait(); });
    for (int i = 0; i < 4; ++i)
        enqueue("a", {.queue = "busy"});

    start({.queues = {{"empty", 9}, "busy", {"also empty", 9}}, .concurrency = 4});

    EXPECT_EQ(provider_->wait_for_ended(4).size(), 4);
}

TEST_F(LimitsTest, QueuesAreDrainedInTheProportionOfTheirWeights) {
    std::string order;
    handlers_.on("a", [&](Context& context) { order += context.queue(); });
    for (int i = 0; i < 8; ++i) {
        enqueue("a", {.queue = "x"});
        enqueue("a", {.queue = "y"});
    }

    Worker(client_, handlers_, {.queues = {{"x", 3}, {"y", 1}}}).drain();

    EXPECT_EQ(order, "xxyxxxyxxxyyyyyy");
}

}  // namespace
}  // namespace tranter
