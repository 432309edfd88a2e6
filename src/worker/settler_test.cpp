#include "worker/settler.hpp"

#include "base/log.hpp"
#include "worker/test_tasks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
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

/// Answers, and cannot keep the last outcome of a call for the first `refusals` calls.
class CrampedStore final : public NoProvider {
  public:
    explicit CrampedStore(int refusals) : refusals_(refusals) {}

    Result<std::vector<Result<>>> settle(std::string_view, std::span<const Settlement> settlements)
        override {
        std::vector<Result<>> answers(settlements.size());
        if (refusals_-- > 0) answers.back() = fail(Errc::unavailable, "no space left");
        return answers;
    }

  private:
    int refusals_;  // used by the thread that settles
};

TEST(SettlerTest, AStoreThatDoesNotKeepAnOutcomeIsSaidOnceNotToAnswer) {
    start_logging({});  // nothing was said before
    CrampedStore store(4);
    TestTasks tasks;
    Tally tally;
    StoreWatch watch;
    Leases leases(store, {.lease = 1h, .batch_max = 2}, tally, watch);
    Settler settler(
        store,
        {2,
         [] {
             return false;
         }},
        leases,
        tally,
        watch
    );
    const auto some = tasks.make_many(2);
    leases.add(some);
    testing::internal::CaptureStderr();
    for (const auto& task : some)
        settler.push(task, Completed{});

    std::stop_source stop;
    stop.request_stop();
    settler.deliver_all(stop.get_token());

    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_EQ(tally.counts(), WorkerCounts{.completed = 2});
    EXPECT_EQ(std::ranges::count(text, '\n'), 2) << text;
    EXPECT_THAT(text, testing::ContainsRegex("does not answer.*\n.*answers again"));
}

/// A worker's way to a store, without the worker.
class SettlerTestParts {
  public:
    SettlerTestParts(Provider& store, Milliseconds lease, std::size_t batch_max)
        : surroundings_{store, [](const std::shared_ptr<Task>&) {}},
          leases(store, {.lease = lease, .batch_max = batch_max}, tally, watch_),
          settler(store, {batch_max, [] { return false; }}, leases, tally, watch_) {}

    std::shared_ptr<Task> received(std::string id, std::string queue) {
        auto task = std::make_shared<Task>(
            ReceivedJob{.id = std::move(id), .queue = std::move(queue)}, nullptr, surroundings_
        );
        leases.add(std::span(&task, 1));
        return task;
    }
    void push(std::string id, std::string queue) {
        settler.push(received(std::move(id), std::move(queue)), Completed{});
    }
    std::jthread deliver() {
        return std::jthread([this](const std::stop_token& stop) { settler.deliver_all(stop); });
    }
    std::jthread keep() {
        return std::jthread([this](const std::stop_token& stop) { leases.keep(stop); });
    }

  private:
    Task::Surroundings surroundings_;
    StoreWatch watch_;

  public:
    Tally tally;
    Leases leases;
    Settler settler;
};

/// Does not answer for the queue `bad` before it is told to.
class HalfAStore final : public NoProvider {
  public:
    Result<std::vector<Result<>>> settle(
        std::string_view queue, std::span<const Settlement> settlements
    ) override {
        if (queue == "bad" && !answers) {
            refused.release();
            return fail(Errc::unavailable, "away");
        }
        for (std::size_t i = 0; i < settlements.size(); ++i)
            settled.release();
        return std::vector<Result<>>(settlements.size());
    }
    Result<std::vector<Result<Extended>>> extend(
        std::string_view, std::span<const std::string> receipts, Milliseconds
    ) override {
        return std::vector<Result<Extended>>(receipts.size(), Extended{});
    }

    std::atomic<bool> answers = false;
    std::counting_semaphore<> refused{0};
    std::counting_semaphore<> settled{0};
};

TEST(SettlerLateTest, AQueueThatIsNotAnsweredHoldsUpNoOther) {
    HalfAStore store;
    SettlerTestParts parts(store, 1h, 2);
    const std::jthread delivering = parts.deliver();
    parts.push("a", "bad");
    store.refused.acquire();

    parts.push("b", "good");
    parts.push("c", "good");
    store.settled.acquire();
    store.settled.acquire();
    EXPECT_EQ(parts.tally.counts().lost, 0U);

    store.answers = true;
    store.settled.acquire();
}

TEST(SettlerLateTest, OnlyTheQueueThatIsNotAnsweredHasNoSpace) {
    constexpr std::size_t enough = 8;  // batches
    HalfAStore store;
    SettlerTestParts parts(store, 1h, 1);
    const std::jthread delivering = parts.deliver();
    for (std::size_t i = 0; i < enough; ++i)
        parts.push(std::to_string(i), "bad");
    store.refused.acquire();
    parts.push("b", "good");
    store.settled.acquire();  // so all are taken that were pushed before

    parts.settler.wait_for_space("good", {});

    std::binary_semaphore waits{0};
    const std::jthread receiver([&] {
        waits.release();
        parts.settler.wait_for_space("bad", {});
        EXPECT_TRUE(store.answers);
    });
    waits.acquire();
    store.refused.acquire();
    store.answers = true;
}

TEST(SettlerLateTest, AtTheEndWhatIsNotTakenIsGivenUpWithItsLease) {
    HalfAStore store;
    SettlerTestParts parts(store, 60ms, 2);
    const std::jthread keeper = parts.keep();
    {
        const std::jthread delivering = parts.deliver();
        parts.push("a", "bad");
        parts.push("b", "bad");
        store.refused.acquire();
        store.refused.acquire();
    }

    EXPECT_EQ(parts.tally.counts(), WorkerCounts{.lost = 2});
}

/// Its first answer to a report comes so late at the end of a worker that there is no time for
/// more.
class SlowLogStore final : public NoProvider {
  public:
    explicit SlowLogStore(std::stop_source& stop) : stop_(stop) { can.progress = true; }

    Result<std::vector<Result<>>> settle(std::string_view, std::span<const Settlement> settlements)
        override {
        return std::vector<Result<>>(settlements.size());
    }
    Result<> append_log(std::string_view, std::string_view, std::span<const std::string>) override {
        ++asked;
        stop_.request_stop();
        const Moment until = Steady::now() + 40ms;
        while (Steady::now() < until)
            std::this_thread::yield();
        return {};
    }

    int asked = 0;

  private:
    std::stop_source& stop_;
};

TEST(SettlerReportTest, AtTheEndReportsAreGivenUpBeforeOutcomesAre) {
    std::stop_source stop;
    SlowLogStore store(stop);
    SettlerTestParts parts(store, 90ms, 4);
    for (const char* id : {"a", "b", "c"}) {
        const auto task = parts.received(id, "queue");
        task->log("a line");
        parts.settler.push(task, Completed{});
    }

    parts.settler.deliver_all(stop.get_token());

    EXPECT_EQ(store.asked, 1);
    EXPECT_EQ(parts.tally.counts(), WorkerCounts{.completed = 3});
}

}  // namespace
}  // namespace tranter::worker
