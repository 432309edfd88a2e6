#include "worker/test_worker.hpp"

#include <tranter/worker_observer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tranter {
namespace {

using testing::IsEmpty;

constexpr std::string_view own_span = "00-11111111111111111111111111111111-2222222222222222-01";
constexpr std::string_view callers_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Seen {
    AttemptEnding ending{};
    std::string id{};
    std::string traceparent{};
    std::string enqueued_in{};
    std::string error{};
    bool has_begun = false;
    bool was_received = false;
};

/// Puts jobs into a span of its own and remembers how they ended.
class Watcher final : public WorkerObserver {
  public:
    void received(ReceivedJob& job) override { job.options.traceparent = own_span; }
    void ended(const EndedAttempt& attempt) override {
        const std::lock_guard lock(mutex_);
        seen_.push_back(
            {.ending = attempt.ending,
             .id = attempt.job.id,
             .traceparent = attempt.job.options.traceparent,
             .enqueued_in = std::string(attempt.enqueued_in),
             .error = std::string(attempt.error),
             .has_begun = attempt.begun_at.has_value(),
             .was_received = attempt.was_received}
        );
    }

    std::vector<Seen> seen() const {
        const std::lock_guard lock(mutex_);
        return seen_;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<Seen> seen_;
};

class Thrower final : public WorkerObserver {
  public:
    void received(ReceivedJob& /*job*/) override { throw std::runtime_error("no"); }
    void ended(const EndedAttempt& /*attempt*/) override { throw 1; }
};

class ObserversTest : public WorkerTest {
  public:
    ~ObserversTest() override = default;

  protected:
    std::shared_ptr<Watcher> watcher_ = std::make_shared<Watcher>();
};

TEST_F(ObserversTest, SeeHowAttemptsEndAndPutThemIntoASpan) {
    std::string seen_by_handler;
    handlers_.on("good", [&](Context& context) { seen_by_handler = context.traceparent(); });
    handlers_.on("bad", [](Context&) -> Outcome<> { return dead("for good"); });
    const std::string good = enqueue("good", {.traceparent = std::string(callers_span)});
    Worker worker(client_, handlers_, {.queues = {"default"}, .concurrency = 1});
    const auto watching = worker.observe(watcher_);

    worker.start();
    provider_->wait_for_ended(1);
    enqueue("bad");
    provider_->wait_for_ended(2);
    worker.stop();

    EXPECT_EQ(seen_by_handler, own_span);
    const auto seen = watcher_->seen();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].ending, AttemptEnding::completed);
    EXPECT_EQ(seen[0].id, good);
    EXPECT_EQ(seen[0].traceparent, own_span);
    EXPECT_EQ(seen[0].enqueued_in, callers_span);
    EXPECT_TRUE(seen[0].has_begun);
    EXPECT_EQ(seen[1].ending, AttemptEnding::dead);
    EXPECT_EQ(seen[1].error, "for good");
    EXPECT_EQ(seen[1].enqueued_in, "");
}

TEST_F(ObserversTest, SeeNothingBeforeAndAfter) {
    std::string seen_by_handler = "nothing";
    handlers_.on("good", [&](Context& context) { seen_by_handler = context.traceparent(); });
    enqueue("good", {.traceparent = std::string(callers_span)});
    Worker worker(client_, handlers_, {.queues = {"default"}, .concurrency = 1});
    auto watching = worker.observe(watcher_);
    watching.reset();

    worker.start();
    provider_->wait_for_ended(1);
    worker.stop();

    EXPECT_EQ(seen_by_handler, callers_span);
    EXPECT_THAT(watcher_->seen(), IsEmpty());
}

TEST_F(ObserversTest, WhoComesWhileAJobRunsLearnsThatItHasNotSeenIt) {
    std::binary_semaphore is_running{0};
    std::binary_semaphore may_end{0};
    handlers_.on("long", [&](Context&) {
        is_running.release();
        may_end.acquire();
    });
    handlers_.on("short", [](Context&) {});
    enqueue("long", {.traceparent = std::string(callers_span)});
    Worker worker(client_, handlers_, {.queues = {"default"}, .concurrency = 1});
    const auto watching = worker.observe(watcher_);
    const auto late = std::make_shared<Watcher>();

    worker.start();
    is_running.acquire();
    const auto watching_late = worker.observe(late);
    may_end.release();
    provider_->wait_for_ended(1);
    enqueue("short");
    provider_->wait_for_ended(2);
    worker.stop();

    const auto seen = watcher_->seen();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_TRUE(seen[0].was_received);
    EXPECT_TRUE(seen[1].was_received);
    const auto seen_late = late->seen();
    ASSERT_EQ(seen_late.size(), 2U);
    EXPECT_FALSE(seen_late[0].was_received);
    EXPECT_TRUE(seen_late[1].was_received);
}

TEST_F(ObserversTest, MayOutliveTheWorker) {
    handlers_.on("good", [](Context&) {});
    auto worker = std::make_unique<Worker>(
        client_, handlers_, WorkerOptions{.queues = {"default"}, .concurrency = 1}
    );
    auto watching = worker->observe(watcher_);

    worker.reset();

    EXPECT_NO_THROW(watching.reset());
}

TEST_F(ObserversTest, WhatOneThrowsConcernsNobodyElse) {
    handlers_.on("good", [](Context&) {});
    enqueue("good");
    Worker worker(client_, handlers_, {.queues = {"default"}, .concurrency = 1});
    const auto throwing = worker.observe(std::make_shared<Thrower>());
    const auto watching = worker.observe(watcher_);

    worker.start();
    provider_->wait_for_ended(1);
    worker.stop();

    EXPECT_EQ(watcher_->seen().size(), 1U);
    EXPECT_EQ(worker.figures().counts.completed, 1U);
}

}  // namespace
}  // namespace tranter
