#include "worker/board.hpp"

#include "worker/test_tasks.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tranter::worker {
namespace {

using namespace std::chrono_literals;

class BoardTest : public testing::Test {
  public:
    ~BoardTest() override = default;

  protected:
    std::vector<std::shared_ptr<Task>> tasks(std::size_t count, const JobOptions& options = {}) {
        return tasks_.make_many(count, options);
    }

    TestTasks tasks_;
};

TEST_F(BoardTest, WhileNothingIsKnownOnlyWhatCanBeginIsWanted) {
    Board board({.concurrency = 3, .queues = {"a"}, .batch_max = 100}, [] {});

    EXPECT_EQ(board.wait_for_room(0).jobs, 3);
    ASSERT_TRUE(board.add(0, tasks(1)));
    EXPECT_EQ(board.wait_for_room(0).jobs, 2);
}

TEST_F(BoardTest, WhenHandlersAreFastABatchIsKeptAtHand) {
    Board board({.concurrency = 1, .queues = {"a"}, .batch_max = 100}, [] {});
    ASSERT_TRUE(board.add(0, tasks(1000)));
    Work work;

    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(board.exchange(0, work, std::nullopt));

    const std::size_t jobs = board.wait_for_room(0).jobs;
    EXPECT_GT(jobs, 1);  // how many is a matter of how fast
    EXPECT_LE(jobs, 100);
}

TEST_F(BoardTest, WorkIsHandedOutInOrder) {
    Board board({.concurrency = 2, .queues = {"a"}, .batch_max = 10}, [] {});
    ASSERT_TRUE(board.add(0, tasks(2)));
    Work first;
    Work second;

    ASSERT_TRUE(board.exchange(0, first, std::nullopt));
    ASSERT_TRUE(board.exchange(1, second, std::nullopt));

    EXPECT_EQ(first.task->job().id, "0");
    EXPECT_EQ(second.task->job().id, "1");
    EXPECT_EQ(board.load().running, 2);
    EXPECT_EQ(board.running().size(), 2);
}

TEST_F(BoardTest, RunsOfAnAttemptComeOneAfterTheOtherAsFarAsTheyMay) {
    Board board({.concurrency = 1, .queues = {"a"}, .batch_max = 10}, [] {});
    const auto task = tasks(1, {.runs = 3, .max_parallel_runs = 2});
    ASSERT_TRUE(board.add(0, task));
    EXPECT_EQ(board.load().waiting, 2);
    std::vector<std::uint32_t> runs;
    std::optional<AttemptOutcome> end;
    Work work;

    for (std::optional<std::uint32_t> next; !end;) {
        ASSERT_TRUE(board.exchange(0, work, next));
        runs.push_back(work.run);
        auto after = task[0]->end_run(work.run, Completed{std::to_string(work.run)});
        next = after.next;
        end = std::move(after.end);
    }

    EXPECT_EQ(runs, (std::vector<std::uint32_t>{1, 3, 2}));
    EXPECT_EQ(std::get<Completed>(*end).result, "[1,2,3]");
}

TEST_F(BoardTest, OfTwoLimitsOnRunsAtATimeTheSmallerHolds) {
    const Registry::Entry handler{.options = {.max_parallel_runs = 4}};
    const auto first_runs = [&](std::uint32_t job_says) {
        return tasks_.make("a", {.runs = 9, .max_parallel_runs = job_says}, &handler)->first_runs();
    };

    EXPECT_EQ(first_runs(0), 4);
    EXPECT_EQ(first_runs(2), 2);
    EXPECT_EQ(first_runs(9), 4);
}

TEST_F(BoardTest, NoFurtherRunBeginsAfterOneFailed) {
    const auto task = tasks(1, {.runs = 5, .max_parallel_runs = 2}).front();

    const auto first = task->end_run(1, Failed{.text = "x"});
    const auto second = task->end_run(2, Completed{});

    EXPECT_FALSE(first.next);
    EXPECT_FALSE(first.end);
    EXPECT_FALSE(second.next);
    ASSERT_TRUE(second.end);
    EXPECT_EQ(std::get<Failed>(*second.end).text, "run 1 of 5: x");
}

TEST_F(BoardTest, NoFurtherRunBeginsAfterAStop) {
    const auto task = tasks(1, {.runs = 2, .max_parallel_runs = 1}).front();
    task->stop(StopReason::cancelled);

    const auto after = task->end_run(1, Completed{});

    EXPECT_FALSE(after.next);
    ASSERT_TRUE(after.end);
    EXPECT_TRUE(std::holds_alternative<Released>(*after.end));
}

TEST_F(BoardTest, TimeoutsAreReportedOnceAndWhoeverDoesNotListenAfterwards) {
    Board board({.concurrency = 2, .queues = {"a"}, .batch_max = 10, .stop_grace = 1ms}, [] {});
    ASSERT_TRUE(board.add(0, tasks(1, {.timeout = 1ms})));
    ASSERT_TRUE(board.add(0, tasks(1)));
    Work with_timeout;
    Work without;
    ASSERT_TRUE(board.exchange(0, with_timeout, std::nullopt));
    ASSERT_TRUE(board.exchange(1, without, std::nullopt));

    const auto overdue = board.wait_for_overdue({});

    ASSERT_EQ(overdue.timed_out.size(), 1);
    EXPECT_EQ(overdue.timed_out[0], with_timeout.task);
    EXPECT_TRUE(overdue.deaf.empty());
    const auto later = board.wait_for_overdue({});
    EXPECT_TRUE(later.timed_out.empty());
    ASSERT_EQ(later.deaf.size(), 1);
    EXPECT_EQ(later.deaf[0], with_timeout.task);
    std::stop_source stopped;
    std::jthread stopping([&] { stopped.request_stop(); });
    EXPECT_TRUE(board.wait_for_overdue(stopped.get_token()).empty());
}

TEST_F(BoardTest, WhatWaitsTooLongIsTakenAwayAndLittleIsWantedAfterwards) {
    Board board({.concurrency = 1, .queues = {"a"}, .batch_max = 100}, [] {});
    ASSERT_TRUE(board.add(0, tasks(1000)));
    Work work;
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(board.exchange(0, work, std::nullopt));
    ASSERT_TRUE(board.add(0, tasks(3)));

    const auto overdue = board.wait_for_overdue({});

    EXPECT_EQ(overdue.unstarted.size(), 3);
    EXPECT_EQ(board.load().waiting, 0);
    Work last = work;
    std::jthread executor([&] { (void)board.exchange(0, last, std::nullopt); });
    EXPECT_EQ(board.wait_for_room(0).jobs, 1);
    (void)board.close();
}

TEST_F(BoardTest, WhatALimitKeepsBackTakesNoRoomButThereIsALimitToIt) {
    Board board({.concurrency = 2, .queues = {"a"}, .group_concurrency = 1, .batch_max = 100}, [] {
    });
    ASSERT_TRUE(board.add(0, tasks(7, {.group = "x"})));

    EXPECT_EQ(board.load().waiting, 1);
    EXPECT_EQ(board.load().blocked, 6);
    EXPECT_EQ(board.wait_for_room(0).jobs, 1);
    ASSERT_TRUE(board.add(0, tasks(1, {.group = "x"})));
    Work work;
    ASSERT_TRUE(board.exchange(0, work, std::nullopt));
    EXPECT_EQ(board.wait_for_room(0).jobs, 1);
    ASSERT_TRUE(board.add(0, tasks(1, {.group = "x"})));
    EXPECT_EQ(board.load().blocked, 8);

    EXPECT_EQ(board.close().size(), 8);
    EXPECT_EQ(board.held().groups, 1);
}

TEST_F(BoardTest, WhatIsBehindBlockedJobsIsAskedForAndPutOffWhenItMayNotBeginEither) {
    Board board({.concurrency = 2, .queues = {"a"}, .group_concurrency = 1, .batch_max = 100}, [] {
    });
    ASSERT_TRUE(board.add(0, tasks(9, {.group = "x"})));
    Work work;
    ASSERT_TRUE(board.exchange(0, work, std::nullopt));
    const Moment before = Steady::now();

    EXPECT_EQ(board.wait_for_room(0).jobs, 1);
    ASSERT_TRUE(board.add(0, tasks(1, {.group = "x"})));

    const auto overdue = board.wait_for_overdue({});
    ASSERT_EQ(overdue.put_off.size(), 1);
    EXPECT_GE(overdue.put_off[0].time, 1s);
    EXPECT_LE(overdue.put_off[0].time, Steady::now() - before + 2s);
    EXPECT_TRUE(overdue.unstarted.empty());
    EXPECT_EQ(board.load().blocked, 8);
    EXPECT_EQ(board.wait_for_room(0).jobs, 2) << "further, as there was nothing";
    ASSERT_TRUE(board.add(0, tasks(1, {.group = "y"})));
    EXPECT_EQ(board.load().waiting, 1);
    EXPECT_EQ(board.close().size(), 9);
    EXPECT_EQ(board.held().groups, 1);
}

TEST_F(BoardTest, WhereADeliveryCountsNothingIsReceivedToBePutOff) {
    Board board(
        {.concurrency = 2,
         .queues = {"a"},
         .group_concurrency = 1,
         .batch_max = 100,
         .looks_past = false},
        [] {}
    );
    ASSERT_TRUE(board.add(0, tasks(9, {.group = "x"})));
    Work work;
    ASSERT_TRUE(board.exchange(0, work, std::nullopt));

    ASSERT_TRUE(board.add(0, tasks(1, {.group = "x"})));
    EXPECT_EQ(board.load().blocked, 9);
    // For longer than it takes until others look past them.
    std::jthread closing([&] {
        board.wait_until_idle(Steady::now() + 1200ms);
        board.close();
    });
    EXPECT_EQ(board.wait_for_room(0).jobs, 0);
}

TEST_F(BoardTest, CloseGivesBackWhatWasNotBegunAndEndsAllWaits) {
    Board board({.concurrency = 1, .queues = {"a"}, .batch_max = 10}, [] {});
    ASSERT_TRUE(board.add(0, tasks(2)));
    Work work;
    ASSERT_TRUE(board.exchange(0, work, std::nullopt));

    EXPECT_EQ(board.close().size(), 1);

    EXPECT_EQ(board.wait_for_room(0).jobs, 0);
    EXPECT_FALSE(board.add(0, tasks(1)));
    EXPECT_FALSE(board.wait_until_idle(Steady::now()));
    EXPECT_FALSE(board.exchange(0, work, std::nullopt));
    EXPECT_TRUE(board.wait_until_idle(Steady::now()));
}

TEST_F(BoardTest, WhoeverFindsNoWorkSaysSo) {
    int said = 0;
    Board board({.concurrency = 1, .queues = {"a"}, .batch_max = 10}, [&] { ++said; });
    ASSERT_TRUE(board.add(0, tasks(1)));
    Work work;
    ASSERT_TRUE(board.exchange(0, work, std::nullopt));
    EXPECT_EQ(said, 0);
    (void)board.close();

    EXPECT_FALSE(board.exchange(0, work, std::nullopt));

    EXPECT_EQ(said, 1);
}

}  // namespace
}  // namespace tranter::worker
