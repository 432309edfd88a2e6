// Worker::drain(), with and without a virtual clock.
#include "fixture.hpp"

#include <stdexcept>
#include <vector>

namespace tranter {
namespace {

using testing::ElementsAre;

class DrainTest : public testing::Test {
  public:
    ~DrainTest() override = default;

  protected:
    TimePoint now() const { return client_.provider()->virtual_time()->now(); }
    /// Remembers when it ran, in seconds from the start.
    void note() {
        times_.push_back(std::chrono::duration_cast<std::chrono::seconds>(now() - begin_).count());
    }
    WorkerCounts drain(DrainOptions options = {}) {
        return Worker(client_, handlers_).drain(options);
    }

    Client client_{"memory:", {.virtual_time = true}};
    Registry handlers_;
    TimePoint begin_ = now();
    std::vector<std::int64_t> times_;
};

TEST_F(DrainTest, RunsWhatIsDueLaterAtItsTime) {
    handlers_.on<Add>([this](const Add&) { note(); });
    ASSERT_TRUE(client_.enqueue(Add{}, {.delay = 24h}));
    ASSERT_TRUE(client_.enqueue(Add{}));
    ASSERT_TRUE(client_.enqueue(Add{}, {.run_at = begin_ + 90s}));

    EXPECT_EQ(drain(), WorkerCounts{.completed = 3});

    EXPECT_THAT(times_, ElementsAre(0, 90, 24 * 3600));
}

TEST_F(DrainTest, RetriesUntilTheJobIsDead) {
    handlers_.on<Add>([this](const Add&) {
        note();
        throw std::runtime_error("x");
    });
    const RetryPolicy policy{.max_attempts = 4, .base = 10s, .jitter = 0};
    ASSERT_TRUE(client_.enqueue(Add{}, {.retry = policy}));

    EXPECT_EQ(drain(), (WorkerCounts{.failed = 3, .dead = 1}));

    EXPECT_THAT(times_, ElementsAre(0, 10, 30, 70));
}

TEST_F(DrainTest, TheRestsOfTheHandlerAreTheSameEveryTime) {
    const auto times = [] {
        const Client client("memory:", {.virtual_time = true});
        VirtualTime& clock = *client.provider()->virtual_time();
        const TimePoint begin = clock.now();
        std::vector<TimePoint::duration> out;
        Registry handlers;
        handlers.on<Add>(
            [&](const Add&) {
                out.push_back(clock.now() - begin);
                throw std::runtime_error("x");
            },
            {.retry = RetryPolicy{.max_attempts = 6, .jitter = 0.5}}
        );
        or_throw(client.enqueue(Add{}));
        Worker(client, handlers).drain();
        return out;
    };

    const auto first = times();

    EXPECT_EQ(first.size(), 6);
    EXPECT_EQ(times(), first);
}

TEST_F(DrainTest, SnoozesPass) {
    handlers_.on<Add>([this](const Add&) -> Outcome<> {
        note();
        if (times_.size() < 3) return snooze(5min);
        return {};
    });
    ASSERT_TRUE(client_.enqueue(Add{}));

    EXPECT_EQ(drain(), (WorkerCounts{.completed = 1, .snoozed = 2}));

    EXPECT_THAT(times_, ElementsAre(0, 300, 600));
}

TEST_F(DrainTest, RunsWhatHandlersEnqueue) {
    handlers_.on<Add>([this](const Add& job) {
        note();
        if (job.left == 0) return;
        or_throw(client_.enqueue(Add{.left = job.left - 1}, {.delay = 1min}));
    });
    ASSERT_TRUE(client_.enqueue(Add{.left = 2}));

    EXPECT_EQ(drain(), WorkerCounts{.completed = 3});

    EXPECT_THAT(times_, ElementsAre(0, 60, 120));
}

TEST_F(DrainTest, StopsAtItsBounds) {
    handlers_.on<Add>([this](const Add&) {
        note();
        or_throw(client_.enqueue(Add{}, {.delay = 1min}));
    });
    ASSERT_TRUE(client_.enqueue(Add{}));

    EXPECT_EQ(drain({.time_max = 150s}), WorkerCounts{.completed = 3});
    EXPECT_THAT(times_, ElementsAre(0, 60, 120));
    EXPECT_THROW(drain({.attempts_max = 10}), Exception);
}

TEST_F(DrainTest, WhatHasExpiredDoesNotRun) {
    handlers_.on<Add>([this](const Add&) { note(); });
    const auto job = or_throw(client_.enqueue(Add{}, {.ttl = 1min}));
    client_.provider()->virtual_time()->advance_to(begin_ + 61s);

    EXPECT_EQ(drain(), WorkerCounts());

    EXPECT_TRUE(times_.empty());
    EXPECT_EQ(or_throw(job.find()).state, JobState::cancelled);
    EXPECT_EQ(or_throw(job.find()).reason, "expired");
}

TEST_F(DrainTest, RunsOfAnAttemptComeInOrder) {
    std::vector<std::uint32_t> runs;
    handlers_.on<Add>([&](Context& context) {
        runs.push_back(context.run());
        return context.run();
    });
    const auto job = or_throw(client_.enqueue(Add{}, {.runs = 4, .max_parallel_runs = 2}));

    EXPECT_EQ(drain(), WorkerCounts{.completed = 1});

    EXPECT_THAT(runs, ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(job.result<std::vector<int>>(0ms), (std::vector{1, 2, 3, 4}));
}

TEST_F(JobsTest, WithoutAVirtualClockOnlyWhatIsDueRuns) {
    handlers_.on<Add>([](const Add&) {});
    ASSERT_TRUE(client_.enqueue(Add{}));
    ASSERT_TRUE(client_.enqueue(Add{}, {.delay = 1h}));

    EXPECT_EQ(Worker(client_, handlers_).drain(), WorkerCounts{.completed = 1});
}

}  // namespace
}  // namespace tranter
