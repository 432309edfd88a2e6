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
#include <utility>
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

/// Takes no report before a lease was renewed.
class SlowReportStore final : public NoProvider {
  public:
    SlowReportStore() { can.progress = true; }

    Result<std::vector<Result<Extended>>> extend(
        std::string_view, std::span<const std::string> receipts, Milliseconds
    ) override {
        renewed_.release();
        return std::vector<Result<Extended>>(receipts.size(), Extended{});
    }
    Result<> append_log(std::string_view, std::string_view, std::span<const std::string>) override {
        asked.release();
        renewed_.acquire();
        taken.release();
        return {};
    }

    std::binary_semaphore asked{0};
    std::binary_semaphore taken{0};

  private:
    std::counting_semaphore<> renewed_{0};
};

TEST(LeasesReportTest, AReportThatTheStoreDoesNotTakeHoldsUpNoRenewal) {
    SlowReportStore store;
    Tally tally;
    StoreWatch watch;
    Leases leases(store, {.lease = 30ms, .batch_max = 1}, tally, watch);
    Task::Surroundings surroundings{store, [&](std::shared_ptr<Task> task) {
                                        leases.flush_soon(std::move(task));
                                    }};
    const auto talker = std::make_shared<Task>(ReceivedJob{.id = "a"}, nullptr, surroundings);
    const auto other = std::make_shared<Task>(ReceivedJob{.id = "b"}, nullptr, surroundings);
    {
        const std::jthread keeper([&](const std::stop_token& stop) { leases.keep(stop); });
        const std::jthread reporter([&](const std::stop_token& stop) { leases.report(stop); });
        talker->log("a line");
        store.asked.acquire();
        leases.add(std::span(&other, 1));
        store.taken.acquire();
    }

    EXPECT_GE(tally.metrics({}).lease_extensions, 1U);
}

/// Answers the first renewal when a test says so.
class SilentLeaseStore final : public NoProvider {
  public:
    Result<std::vector<Result<Extended>>> extend(
        std::string_view, std::span<const std::string> receipts, Milliseconds
    ) override {
        asked.release();
        may_answer.acquire();
        return std::vector<Result<Extended>>(receipts.size(), Extended{});
    }

    std::binary_semaphore asked{0};
    std::binary_semaphore may_answer{0};
};

TEST(LeasesEndTest, ALeaseThatEndsIsNoticedThoughTheStoreDoesNotAnswer) {
    SilentLeaseStore store;
    TestTasks tasks;
    Tally tally;
    StoreWatch watch;
    Leases leases(store, {.lease = 30ms, .batch_max = 1}, tally, watch);
    const auto task = tasks.make("a");
    std::binary_semaphore stopped{0};
    const std::stop_callback stopping(task->stop_source().get_token(), [&] { stopped.release(); });
    leases.add(std::span(&task, 1));

    {
        const std::jthread keeper([&](const std::stop_token& stop) { leases.keep(stop); });
        store.asked.acquire();
        const std::jthread watching([&](const std::stop_token& stop) { leases.watch_ends(stop); });
        stopped.acquire();
        EXPECT_EQ(task->stop_reason(), StopReason::lease_lost);
        store.may_answer.release();
    }

    EXPECT_TRUE(leases.has_ended(*task)) << "an answer that comes too late does not change that";
    EXPECT_EQ(tally.counts(), WorkerCounts{.lost = 1});
}

TEST(LeasesEndTest, AfterLetEndNothingIsRenewed) {
    SilentLeaseStore store;
    TestTasks tasks;
    Tally tally;
    StoreWatch watch;
    Leases leases(store, {.lease = 30ms, .batch_max = 1}, tally, watch);
    const auto task = tasks.make("a");
    std::binary_semaphore stopped{0};
    const std::stop_callback stopping(task->stop_source().get_token(), [&] { stopped.release(); });
    leases.add(std::span(&task, 1));

    leases.let_end();

    {
        const std::jthread keeper([&](const std::stop_token& stop) { leases.keep(stop); });
        const std::jthread watching([&](const std::stop_token& stop) { leases.watch_ends(stop); });
        stopped.acquire();
    }
    EXPECT_FALSE(store.asked.try_acquire());
    EXPECT_EQ(tally.counts(), WorkerCounts{.lost = 1});
}

}  // namespace
}  // namespace tranter::worker
