#include "worker/test_worker.hpp"

#include <tranter/client.hpp>
#include <tranter/worker.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace tranter {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(WorkerTest, RunsAJobAndSettlesItsResult) {
    handlers_.on("sum", [](Context& context) { return context.attempt() + 41; });
    start();

    const std::string id = enqueue("sum");

    EXPECT_EQ(first_ended().id, id);
    EXPECT_EQ(std::get<Completed>(first_ended().outcome).result, "42");
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.completed = 1});
}

TEST_F(WorkerTest, WhatAHandlerHasSettledItselfIsNotSettledAgain) {
    std::latch ran(2);
    handlers_.on("own", [&](Context&) -> Outcome<> {
        ran.count_down();
        return settled();
    });
    handlers_.on("valued", [&](Context&) -> Outcome<int> {
        ran.count_down();
        return settled();
    });
    handlers_.on("other", [](Context&) {});
    start();

    enqueue("own");
    enqueue("valued");
    const std::string id = enqueue("other");

    EXPECT_EQ(first_ended().id, id);
    ran.wait();
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.completed = 3});
    EXPECT_EQ(provider_->wait_for_ended(1).size(), 1U);
}

TEST_F(WorkerTest, AnExceptionFailsTheAttemptAndTheLastOneLeavesTheJobDead) {
    handlers_.on("bad", [](Context&) { throw std::runtime_error("no mailbox"); });
    start();

    enqueue("bad", {.max_attempts = 2});

    const auto ended = provider_->wait_for_ended(2);
    EXPECT_EQ(std::get<Failed>(ended.at(0).outcome).type, "std::runtime_error");
    EXPECT_EQ(std::get<Failed>(ended.at(0).outcome).text, "no mailbox");
    EXPECT_EQ(ended.at(1).attempt, 2);
    EXPECT_EQ(counts_after_stop(), (WorkerCounts{.failed = 1, .dead = 1}));
}

TEST_F(WorkerTest, AnUnknownTypeFailsTheAttemptOrTheJob) {
    start();
    enqueue("what", {.max_attempts = 1});
    const auto failed = std::get<Failed>(first_ended().outcome);
    worker_->stop();

    start({.unknown_type = UnknownType::dead});
    enqueue("what");
    const auto dead = std::get<Dead>(provider_->wait_for_ended(2).at(1).outcome);

    EXPECT_EQ(failed.type, "unknown_type");
    EXPECT_EQ(failed.text, "this worker has no handler for type what");
    EXPECT_EQ(dead.reason, failed.text);
}

TEST_F(WorkerTest, RunsAsManyAtATimeAsItMayAndAsksForNoMore) {
    std::latch all_run(3);
    std::binary_semaphore end{0};
    handlers_.on("wait", [&](Context&) {
        all_run.count_down();
        end.acquire();
        end.release();
    });
    for (int i = 0; i < 5; ++i)
        enqueue("wait");

    Worker& worker = start({.concurrency = 3});
    all_run.wait();

    EXPECT_EQ(worker.figures().running, 3);
    EXPECT_EQ(provider_->waiting("default"), 2);
    EXPECT_TRUE(worker.figures().receiving);
    end.release();
    EXPECT_EQ(provider_->wait_for_ended(5).size(), 5);
    EXPECT_EQ(provider_->largest_receive(), 3);
}

TEST_F(WorkerTest, ManyFastJobsAreReceivedAndSettledInBatches) {
    constexpr std::size_t count = jobs_per_call_max;
    handlers_.on("nothing", [](Context&) {});
    const std::vector<JobRequest> requests(count, {.type = "nothing"});
    for (int i = 0; i < 2; ++i)
        ASSERT_TRUE(client_.enqueue_all(requests));

    start();

    EXPECT_EQ(provider_->wait_for_ended(2 * count).size(), 2 * count);
    EXPECT_LT(provider_->calls("receive"), count / 5);
    EXPECT_LT(provider_->calls("settle"), count / 5);
    EXPECT_EQ(counts_after_stop().completed, 2 * count);
}

TEST_F(WorkerTest, WorksForSeveralQueues) {
    handlers_.on("a", [](Context& context) { return context.queue(); });
    start({.queues = {"x", "y"}});

    enqueue("a", {.queue = "y"});
    EXPECT_EQ(std::get<Completed>(first_ended().outcome).result, "\"y\"");
    enqueue("a", {.queue = "x"});
    EXPECT_EQ(std::get<Completed>(provider_->wait_for_ended(2).at(1).outcome).result, "\"x\"");
}

TEST_F(WorkerTest, LeasesAreRenewedWhileAHandlerRuns) {
    std::binary_semaphore end{0};
    handlers_.on("slow", [&](Context&) { end.acquire(); });
    start({.lease = 1s});

    enqueue("slow");

    EXPECT_TRUE(provider_->wait_for_calls("extend", 3));
    end.release();
    EXPECT_TRUE(std::holds_alternative<Completed>(first_ended().outcome));
}

TEST_F(WorkerTest, ALostLeaseStopsTheHandlerAndItsOutcomeIsNotSent) {
    std::binary_semaphore begun{0};
    std::atomic<StopReason> reason{};
    handlers_.on("slow", [&](Context& context) {
        begun.release();
        wait_for(context.stop_token());
        reason = context.stop_reason();
    });
    start({.lease = 1s});
    const std::string id = enqueue("slow");
    begun.acquire();

    provider_->lose(id);

    EXPECT_TRUE(provider_->wait_for_calls("extend", 1));
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.lost = 1});
    EXPECT_EQ(reason, StopReason::lease_lost);
    EXPECT_EQ(provider_->calls("settle"), 0);
}

TEST_F(WorkerTest, ALeaseThatCannotBeRenewedIsLostWhenItsTimeIsOver) {
    std::binary_semaphore stopped{0};
    std::atomic<StopReason> reason{};
    handlers_.on("slow", [&](Context& context) {
        wait_for(context.stop_token());
        reason = context.stop_reason();
        stopped.release();
    });
    provider_->break_next("extend", 1'000'000);
    start({.lease = 1s});

    enqueue("slow");
    stopped.acquire();

    EXPECT_EQ(reason, StopReason::lease_lost);
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.lost = 1});
}

TEST_F(WorkerTest, RenewalsGoOnAfterTheStoreWasSilent) {
    std::binary_semaphore end{0};
    handlers_.on("slow", [&](Context&) { end.acquire(); });
    provider_->break_next("extend", 2);
    start({.lease = 1s});

    enqueue("slow");

    EXPECT_TRUE(provider_->wait_for_calls("extend", 5));
    end.release();
    EXPECT_EQ(provider_->wait_for_ended(1).size(), 1);
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.completed = 1});
}

TEST_F(WorkerTest, ACancelledJobIsToldWithTheNextHeartbeat) {
    std::binary_semaphore begun{0};
    handlers_.on("slow", [&](Context& context) {
        begun.release();
        wait_for(context.stop_token());
        throw std::runtime_error("interrupted");
    });
    start({.lease = 1s});
    const std::string id = enqueue("slow");
    begun.acquire();

    provider_->request_cancel(id);

    EXPECT_TRUE(std::holds_alternative<Stopped>(first_ended().outcome));
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.cancelled = 1});
}

TEST_F(WorkerTest, OutcomesAreKeptWhileTheStoreIsSilent) {
    handlers_.on("a", [](Context&) { return 1; });
    provider_->break_next("settle", 3);
    start();

    enqueue("a");

    EXPECT_EQ(std::get<Completed>(first_ended().outcome).result, "1");
    EXPECT_GE(provider_->calls("settle"), 4);
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.completed = 1});
}

TEST_F(WorkerTest, OutcomesAreGivenUpWhenTheLeaseHasEnded) {
    handlers_.on("a", [](Context&) {});
    provider_->break_next("settle", 1'000'000);
    provider_->break_next("extend", 1'000'000);
    start({.lease = 1s});
    enqueue("a");
    ASSERT_TRUE(provider_->wait_for_calls("settle", 1));

    EXPECT_EQ(counts_after_stop(), WorkerCounts{.lost = 1});
}

TEST_F(WorkerTest, SaysThatOutcomesAreNotStored) {
    handlers_.on("a", [](Context&) {});
    provider_->break_next("settle", 1'000'000);
    Worker& worker = start({.lease = 1s});
    EXPECT_TRUE(worker.figures().storing);

    enqueue("a");

    // The rests between the first six are half a lease together, however they are shortened.
    ASSERT_TRUE(provider_->wait_for_calls("settle", 7));
    EXPECT_FALSE(worker.figures().storing);
    EXPECT_THAT(
        worker.figures().failing, StartsWith("outcomes of queue default have not been stored for ")
    );
    provider_->mend("settle");
    provider_->wait_for_ended(1);
    enqueue("a");  // so that the call before is over
    provider_->wait_for_ended(2);
    EXPECT_TRUE(worker.figures().storing);
    EXPECT_EQ(worker.figures().failing, "");
}

TEST_F(WorkerTest, OneRefusedOutcomeDoesNotSpoilTheOthers) {
    handlers_.on("raw", [](Context&) -> AttemptOutcome { return Completed{"refused"}; });
    handlers_.on("good", [](Context&) { return 1; });
    start();

    enqueue("raw");
    enqueue("good");

    for (const auto& ended : provider_->wait_for_ended(2)) {
        if (std::holds_alternative<Completed>(ended.outcome)) continue;
        EXPECT_EQ(
            std::get<Dead>(ended.outcome).reason,
            "the store refused the outcome: this result is no JSON"
        );
    }
    EXPECT_EQ(counts_after_stop(), (WorkerCounts{.completed = 1, .dead = 1}));
}

TEST_F(WorkerTest, ReceivingGoesOnAfterTheStoreWasSilent) {
    handlers_.on("a", [](Context&) {});
    provider_->break_next("receive", 3);
    start();

    enqueue("a");

    EXPECT_EQ(provider_->wait_for_ended(1).size(), 1);
    EXPECT_TRUE(worker_->figures().receiving);
}

TEST_F(WorkerTest, SaysThatItReceivesAgainThoughThereIsNoJob) {
    provider_->break_next("receive", 1);
    start({.poll_wait = 5min});

    ASSERT_TRUE(provider_->wait_for_calls("receive", 3));

    EXPECT_TRUE(worker_->figures().receiving);
}

TEST_F(WorkerTest, SaysThatItDoesNotReceive) {
    provider_->break_next("receive", 1'000'000);
    start();

    ASSERT_TRUE(provider_->wait_for_calls("receive", 2));

    EXPECT_FALSE(worker_->figures().receiving);
}

TEST_F(WorkerTest, AQueueThatDoesNotExistIsShownAndAskedForAgain) {
    handlers_.on("a", [](Context&) {});
    provider_->break_next("receive", 1000, Errc::not_found);

    Worker& worker = start();

    ASSERT_TRUE(provider_->wait_for_calls("receive", 2));
    EXPECT_FALSE(worker.figures().receiving);
    EXPECT_THAT(worker.figures().missing_queues, ElementsAre("it is broken"));
    EXPECT_EQ(worker.figures().last_error, "") << "the store does answer";
    provider_->mend("receive");
    enqueue("a");
    first_ended();
    ASSERT_TRUE(provider_->wait_for_calls("receive", provider_->calls("receive") + 1));
    EXPECT_THAT(worker.figures().missing_queues, ElementsAre());
    EXPECT_TRUE(worker.figures().receiving);
}

TEST_F(WorkerTest, LogAndProgressReachTheStoreBeforeTheOutcome) {
    handlers_.on("talk", [](Context& context) {
        context.log("begun");
        context.log("{} of {}", 1, 2);
        context.set_progress(0.25);
        context.set_progress(0.5);
    });
    start();

    enqueue("talk");
    first_ended();

    EXPECT_THAT(provider_->lines(), ElementsAre("begun", "1 of 2"));
    EXPECT_THAT(provider_->progress(), ElementsAre("0.5"));
}

TEST_F(WorkerTest, LogAndProgressReachTheStoreWhileTheHandlerRuns) {
    handlers_.on("talk", [&](Context& context) {
        context.log("begun");
        context.set_progress(0.5);
        EXPECT_TRUE(provider_->wait_for_lines(1));
        context.log("heard");
    });
    start();

    enqueue("talk");
    first_ended();

    EXPECT_THAT(provider_->lines(), ElementsAre("begun", "heard"));
    EXPECT_THAT(provider_->progress(), ElementsAre("0.5"));
}

TEST_F(WorkerTest, ManyLinesAreNotHeldBack) {
    handlers_.on("talk", [&](Context& context) {
        for (int i = 0; i < 2500; ++i)
            context.log("line {}", i);
        EXPECT_GE(provider_->lines().size(), 2000);
    });
    start();

    enqueue("talk");
    first_ended();

    EXPECT_EQ(provider_->lines().size(), 2500);
    EXPECT_EQ(provider_->lines().back(), "line 2499");
}

TEST_F(WorkerTest, LinesThatTheStoreDoesNotTakeDoNotHurtTheJob) {
    provider_->break_next("append_log", 1);
    handlers_.on("talk", [](Context& context) { context.log("x"); });
    start();

    enqueue("talk");

    EXPECT_TRUE(std::holds_alternative<Completed>(first_ended().outcome));
}

TEST_F(WorkerTest, ProgressThatIsTooLargeFailsTheAttempt) {
    handlers_.on("talk", [](Context& context) {
        context.set_progress(std::string(progress_bytes_max - 1, 'x'));
    });
    start();

    enqueue("talk", {.max_attempts = 1});

    EXPECT_EQ(
        std::get<Failed>(first_ended().outcome).text, "progress is 4097 bytes, limit is 4096"
    );
}

TEST_F(WorkerTest, StepsOfAnEarlierAttemptAreNotDoneAgain) {
    std::atomic<int> charged = 0;
    handlers_.on("pay", [&](Context& context) {
        const int receipt = context.step("charge", [&] { return ++charged; });
        if (context.attempt() == 1) throw std::runtime_error("mail is down");
        return receipt;
    });
    start();

    enqueue("pay");

    const auto ended = provider_->wait_for_ended(2);
    EXPECT_EQ(std::get<Completed>(ended.at(1).outcome).result, "1");
    EXPECT_EQ(charged, 1);
}

TEST_F(WorkerTest, AStepThatCannotBeKeptFailsTheAttempt) {
    provider_->break_next("save_step", 1, Errc::conflict);
    handlers_.on("pay", [](Context& context) { context.step("charge", [] {}); });
    start();

    enqueue("pay", {.max_attempts = 1});

    EXPECT_EQ(
        std::get<Failed>(first_ended().outcome).text, "step charge cannot be kept: it is broken"
    );
}

TEST_F(WorkerTest, RunsOfAnAttemptAreParallelAndTheirResultsInOrder) {
    std::latch together(3);
    handlers_.on("part", [&](Context& context) {
        together.arrive_and_wait();
        return context.run() * 10;
    });
    start({.concurrency = 3});

    enqueue("part", {.runs = 3});

    EXPECT_EQ(std::get<Completed>(first_ended().outcome).result, "[10,20,30]");
    EXPECT_EQ(counts_after_stop(), WorkerCounts{.completed = 1});
}

TEST_F(WorkerTest, NoMoreRunsAreParallelThanAllowed) {
    std::atomic<int> now = 0;
    std::atomic<int> most = 0;
    handlers_.on("part", [&](Context& context) {
        const int running = ++now;
        for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) {
        }
        --now;
        return context.run();
    });
    start({.concurrency = 4});

    enqueue("part", {.runs = 200, .max_parallel_runs = 2});

    EXPECT_THAT(std::get<Completed>(first_ended().outcome).result, HasSubstr("198,199,200]"));
    EXPECT_LE(most, 2);
}

TEST_F(WorkerTest, RunOnlyOneThingAtATime) {
    Worker& worker = start();

    EXPECT_THROW(worker.start(), Exception);
    EXPECT_THROW(worker.run({}), Exception);
    EXPECT_THROW(worker.drain(), Exception);
    worker.stop();
    worker.stop();
    EXPECT_NO_THROW(worker.start());
}

TEST_F(WorkerTest, RunEndsWithItsToken) {
    handlers_.on("a", [](Context&) {});
    Worker worker(client_, handlers_);
    std::stop_source stop;
    enqueue("a");

    std::jthread running([&] { worker.run(stop.get_token()); });
    provider_->wait_for_ended(1);
    stop.request_stop();
    running.join();

    EXPECT_FALSE(worker.figures().receiving);
    EXPECT_EQ(worker.figures().counts.completed, 1);
}

class ShutdownTest : public WorkerTest {
  protected:
    std::binary_semaphore begun_{0};
    std::binary_semaphore end_{0};
};

TEST_F(ShutdownTest, ARunningHandlerMayEnd) {
    handlers_.on("slow", [&](Context& context) {
        begun_.release();
        end_.acquire();
        return context.stop_requested();
    });
    Worker& worker = start();
    enqueue("slow");
    begun_.acquire();

    std::jthread stopping([&] { worker.stop(); });
    end_.release();
    stopping.join();

    EXPECT_EQ(std::get<Completed>(first_ended().outcome).result, "false");
}

TEST_F(ShutdownTest, ThenItIsAskedToStopAndGoesBackWithoutCounting) {
    std::atomic<StopReason> reason{};
    handlers_.on("slow", [&](Context& context) {
        begun_.release();
        wait_for(context.stop_token());
        reason = context.stop_reason();
        throw std::runtime_error("interrupted");
    });
    start({.shutdown_timeout = 0ms});
    enqueue("slow");
    begun_.acquire();

    EXPECT_EQ(counts_after_stop(), WorkerCounts{.released = 1});

    EXPECT_EQ(reason, StopReason::shutdown);
    EXPECT_TRUE(std::holds_alternative<Released>(first_ended().outcome));
    EXPECT_EQ(provider_->waiting("default"), 1);
}

TEST_F(ShutdownTest, AHandlerThatDoesNotListenLosesItsJobAndIsWaitedFor) {
    handlers_.on("deaf", [&](Context&) {
        begun_.release();
        end_.acquire();
    });
    Worker& worker = start({.shutdown_timeout = 0ms, .stop_grace = 0ms});
    enqueue("deaf");
    begun_.acquire();

    std::jthread stopping([&] { worker.stop(); });
    EXPECT_TRUE(std::holds_alternative<Released>(first_ended().outcome));
    end_.release();
    stopping.join();

    EXPECT_EQ(worker.figures().counts, WorkerCounts{.released = 1});
    EXPECT_EQ(provider_->waiting("default"), 1);
}

TEST_F(ShutdownTest, WhatWasReceivedAndNotBegunGoesBack) {
    handlers_.on("fast", [](Context&) {});
    handlers_.on("slow", [&](Context&) {
        begun_.release();
        end_.acquire();
    });
    std::vector<JobRequest> requests(2000, {.type = "fast"});
    requests.push_back({.type = "slow"});
    requests.resize(requests.size() + 50, {.type = "fast"});
    ASSERT_TRUE(client_.enqueue_all(std::move(requests)));
    Worker& worker = start({.concurrency = 1});
    begun_.acquire();

    std::jthread stopping([&] { worker.stop(); });
    end_.release();
    stopping.join();

    const WorkerCounts counts = worker.figures().counts;
    EXPECT_EQ(worker.figures().waiting, 0);
    EXPECT_EQ(provider_->waiting("default") + counts.completed, 2051);
}

TEST(WorkerOptionsTest, WhatContradictsItselfIsThrown) {
    const Client client(std::make_shared<NoProvider>());
    Registry handlers;
    const auto what = [&](WorkerOptions options) -> std::string {
        try {
            const Worker worker(client, handlers, std::move(options));
            return "nothing was thrown";
        } catch (const Exception& error) {
            return error.what();
        }
    };

    EXPECT_THAT(what({}), HasSubstr("there is no queue to work for"));
    handlers.on("a", [](Context&) {});
    EXPECT_EQ(what({}), "nothing was thrown");
    EXPECT_EQ(what({.queues = {"a", "a"}}), "queue a is named twice");
    EXPECT_EQ(what({.queues = {""}}), "the name of a queue is empty");
    EXPECT_EQ(what({.name = std::string(257, 'x')}), "name is 257 bytes, limit is 256");
    EXPECT_EQ(what({.lease = 999ms}), "lease is 999ms, it must be 1s to 12h");
    EXPECT_EQ(what({.concurrency = 10'001}), "concurrency is 10001, limit is 10000");
    EXPECT_THAT(what({.shutdown_timeout = -1ms}), HasSubstr("shutdown_timeout is -1ms"));
    EXPECT_THAT(what({.stop_grace = -1ms}), HasSubstr("stop_grace is -1ms"));
    EXPECT_THAT(what({.batch_max = 0}), HasSubstr("batch_max is 0, it must be 1 to 10000"));
}

}  // namespace
}  // namespace tranter
