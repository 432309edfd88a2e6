#include "worker/leases.hpp"

#include "base/log.hpp"
#include "worker/test_tasks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <semaphore>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

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

/// Answers, and cannot renew the last lease of a call for the first `refusals` calls.
class CrampedLeaseStore final : public NoProvider {
  public:
    explicit CrampedLeaseStore(int refusals) : refusals_(refusals) {}

    Result<std::vector<Result<Extended>>> extend(
        std::string_view, std::span<const std::string> receipts, Milliseconds
    ) override {
        std::vector<Result<Extended>> answers(receipts.size(), Extended{});
        if (refusals_-- > 0) {
            answers.back() = fail(Errc::unavailable, "no space left");
        } else {
            renewed_all.release();
        }
        return answers;
    }

    std::binary_semaphore renewed_all{0};

  private:
    int refusals_;  // used by the thread that keeps leases
};

TEST(LeasesAnswersTest, ALeaseThatTheStoreDoesNotRenewYetIsKeptAndTriedAgain) {
    start_logging({});  // nothing was said before
    CrampedLeaseStore store(2);
    TestTasks tasks;
    Tally tally;
    StoreWatch watch;
    Leases leases(store, {.lease = 1h, .batch_max = 2}, tally, watch);
    const auto some = tasks.make_many(2);
    leases.add(some);
    for (const auto& task : some)
        task->lease.renew_at = {};  // now
    testing::internal::CaptureStderr();

    {
        const std::jthread keeper([&](const std::stop_token& stop) { leases.keep(stop); });
        store.renewed_all.acquire();
    }

    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::ranges::count(text, '\n'), 2) << text;
    EXPECT_THAT(text, testing::ContainsRegex("does not answer.*no space left.*\n.*answers again"));
    EXPECT_FALSE(watch.state().failing);
    EXPECT_EQ(tally.counts(), WorkerCounts{}) << "nothing is lost";
    EXPECT_EQ(tally.metrics({}).lease_extensions, 2U);
}

}  // namespace
}  // namespace tranter::worker
