#include "worker/leases.hpp"

#include "worker/test_tasks.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <span>

namespace tranter::worker {
namespace {

using namespace std::chrono_literals;

class LeasesTest : public testing::Test {
  public:
    ~LeasesTest() override = default;

  protected:
    /// Received just now.
    std::shared_ptr<Task> held_task() {
        auto task = tasks_.make("a");
        leases_.add(std::span(&task, 1));
        return task;
    }

    NoProvider provider_;
    Tally tally_;
    StoreWatch watch_;
    TestTasks tasks_;
    Leases leases_{provider_, {.lease = 30s, .batch_max = 1}, tally_, watch_};
};

TEST_F(LeasesTest, WhatBeginsInTimeIsOurs) {
    const auto task = held_task();
    task->begun_at = Steady::now();

    leases_.begins(*task);

    EXPECT_FALSE(task->claimed());
    EXPECT_FALSE(leases_.has_ended(*task));
}

TEST_F(LeasesTest, WhatBeginsAfterItsLeaseHasEndedIsLost) {
    const auto task = held_task();
    task->begun_at = Steady::now() + 30s;

    leases_.begins(*task);

    EXPECT_TRUE(task->claimed());
    EXPECT_EQ(task->stop_reason(), StopReason::lease_lost);
    EXPECT_TRUE(leases_.has_ended(*task));
    EXPECT_EQ(tally_.counts().lost, 1);
}

}  // namespace
}  // namespace tranter::worker
