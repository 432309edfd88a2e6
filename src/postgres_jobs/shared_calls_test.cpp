#include "postgres_jobs/shared_calls.hpp"

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <chrono>
#include <latch>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace tranter::postgres_jobs {
namespace {

using testing::ElementsAre;

struct NumberedCall {
    int number = 0;
    bool is_done = false;
};

/// Calls whose work ends when the test says so.
class SharedCallsTest : public testing::Test {
  public:
    using Calls = SharedCalls<NumberedCall>;
    using Numbers = std::vector<int>;

    /// A call that is under way as long as this lives.
    class Held {
      public:
        Held(SharedCallsTest& test, int number, const std::string& queue = "q")
            : thread_([this, &test, number, queue] {
                  NumberedCall call{.number = number};
                  test.calls().run(queue, {.jobs = 1}, call, [&](auto together) {
                      test.note(together);
                      entered_.count_down();
                      may_end_.wait();
                  });
              }) {
            entered_.wait();
        }
        ~Held() { may_end_.count_down(); }
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;

      private:
        std::latch entered_{1};
        std::latch may_end_{1};
        std::jthread thread_;
    };

    Calls& calls() { return calls_; }
    void note(std::span<NumberedCall* const> together) {
        const std::lock_guard lock(mutex_);
        Numbers& numbers = worked_.emplace_back();
        for (const NumberedCall* const call : together)
            numbers.push_back(call->number);
    }
    /// What went together, in order.
    std::vector<Numbers> worked() {
        const std::lock_guard lock(mutex_);
        return worked_;
    }
    auto doing() {
        return [this](std::span<NumberedCall* const> together) {
            note(together);
            for (NumberedCall* const call : together)
                call->is_done = true;
        };
    }
    /// Makes calls one after the other, each when the one before waits, by threads of their own.
    template <class Work>
    std::vector<std::jthread> waiting_calls(
        std::list<NumberedCall>& all, SharedSize each, const Work& work
    ) {
        std::vector<std::jthread> threads;
        for (NumberedCall& call : all) {
            const std::size_t before = calls_.waiting("q");
            threads.emplace_back([this, &call, each, work] { calls_.run("q", each, call, work); });
            while (calls_.waiting("q") == before)
                std::this_thread::yield();
        }
        return threads;
    }

  private:
    Calls calls_{
        {.under_way_max = 1,
         .wait_max = std::chrono::hours(1),
         .together = {.jobs = 5, .bytes = 1'000}}};
    std::mutex mutex_;
    // guarded by mutex_
    std::vector<Numbers> worked_{};
};

TEST_F(SharedCallsTest, WhoIsAloneGoesAtOnce) {
    NumberedCall call{.number = 1};

    calls().run("q", {.jobs = 1'000, .bytes = 1'000'000}, call, doing());

    EXPECT_TRUE(call.is_done);
    EXPECT_THAT(worked(), ElementsAre(Numbers{1}));
}

TEST_F(SharedCallsTest, ThoseThatComeMeanwhileGoTogetherInTheirOrder) {
    std::list<NumberedCall> all{{2}, {3}, {4}, {5}};
    {
        std::vector<std::jthread> threads;
        const Held first(*this, 1);

        threads = waiting_calls(all, {.jobs = 1}, doing());

        EXPECT_EQ(calls().waiting("q"), 4U);
        EXPECT_THAT(worked(), ElementsAre(Numbers{1}));
    }
    EXPECT_THAT(worked(), ElementsAre(Numbers{1}, Numbers{2, 3, 4, 5}));
    for (const NumberedCall& call : all)
        EXPECT_TRUE(call.is_done) << call.number;
    EXPECT_EQ(calls().waiting("q"), 0U);
}

TEST_F(SharedCallsTest, AsManyAreUnderWayAsMayBe) {
    Calls two({.under_way_max = 2, .wait_max = std::chrono::hours(1), .together = {.jobs = 5}});
    std::latch both(2);
    const auto meet = [&both](auto) {
        both.arrive_and_wait();
    };
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            NumberedCall call;
            two.run("q", {.jobs = 1}, call, meet);
        });
    }
    threads.clear();  // or they would wait for each other for ever

    NumberedCall next;
    two.run("q", {.jobs = 1}, next, doing());
    EXPECT_TRUE(next.is_done);
}

TEST_F(SharedCallsTest, OthersQueuesAreNotWaitedFor) {
    const Held first(*this, 1, "a");
    NumberedCall call{.number = 2};

    calls().run("b", {.jobs = 1}, call, doing());

    EXPECT_TRUE(call.is_done);
}

TEST_F(SharedCallsTest, NoMoreGoTogetherThanMay) {
    for (const SharedSize each : {SharedSize{.jobs = 2}, SharedSize{.jobs = 0, .bytes = 500}}) {
        std::list<NumberedCall> all{{2}, {3}, {4}, {5}, {6}};
        {
            std::vector<std::jthread> threads;
            const Held first(*this, 1);
            threads = waiting_calls(all, each, doing());
        }
        const auto found = worked();
        ASSERT_GE(found.size(), 3U);
        EXPECT_THAT(
            std::vector(found.end() - 3, found.end()),
            ElementsAre(Numbers{2, 3}, Numbers{4, 5}, Numbers{6})
        );
    }
}

TEST_F(SharedCallsTest, ALargeOneGoesAloneAndKeepsItsPlace) {
    std::list<NumberedCall> small{{2}};
    std::list<NumberedCall> large{{3}};
    std::list<NumberedCall> more{{4}};
    {
        std::vector<std::jthread> second;
        std::vector<std::jthread> third;
        std::vector<std::jthread> fourth;
        const Held first(*this, 1);
        second = waiting_calls(small, {.jobs = 1}, doing());
        third = waiting_calls(large, {.jobs = 6}, doing());
        fourth = waiting_calls(more, {.jobs = 1}, doing());
    }
    EXPECT_THAT(worked(), ElementsAre(Numbers{1}, Numbers{2}, Numbers{3}, Numbers{4}));
}

TEST_F(SharedCallsTest, WhatALeaderThrowsEndsNobodyElse) {
    std::list<NumberedCall> all{{2}, {3}, {4}};
    const auto throwing = [this](std::span<NumberedCall* const> together) {
        note(together);
        together.front()->is_done = true;
        throw std::runtime_error("no more");
    };
    {
        std::vector<std::jthread> threads;
        const Held first(*this, 1);
        threads = waiting_calls(all, {.jobs = 1}, throwing);
    }
    EXPECT_THAT(worked(), ElementsAre(Numbers{1}, Numbers{2, 3, 4}));
    EXPECT_TRUE(all.front().is_done);
    EXPECT_FALSE(all.back().is_done);

    NumberedCall next{.number = 5};
    calls().run("q", {.jobs = 1}, next, doing());
    EXPECT_TRUE(next.is_done);
}

TEST_F(SharedCallsTest, WhatOneThrowsWhoIsAloneIsItsOwn) {
    NumberedCall call{.number = 1};
    const auto throwing = [](std::span<NumberedCall* const>) {
        throw std::runtime_error("no more");
    };

    EXPECT_THROW(calls().run("q", {.jobs = 1}, call, throwing), std::runtime_error);

    calls().run("q", {.jobs = 1}, call, doing());
    EXPECT_TRUE(call.is_done);
}

TEST_F(SharedCallsTest, WhoWaitsForTooLongLeavesTheLine) {
    Calls impatient({.under_way_max = 1, .wait_max = {}, .together = {.jobs = 5}});
    NumberedCall first{.number = 1};
    NumberedCall second{.number = 2};

    impatient.run("q", {.jobs = 1}, first, [&](std::span<NumberedCall* const> together) {
        // It would wait for ever for what waits for it.
        std::jthread([&] { impatient.run("q", {.jobs = 1}, second, doing()); }).join();
        EXPECT_EQ(impatient.waiting("q"), 0U);
        doing()(together);
    });

    EXPECT_TRUE(first.is_done);
    EXPECT_FALSE(second.is_done);
    impatient.run("q", {.jobs = 1}, second, doing());
    EXPECT_TRUE(second.is_done);
    EXPECT_THAT(worked(), ElementsAre(Numbers{1}, Numbers{2}));
}

TEST_F(SharedCallsTest, NobodyLeavesWhoWasTakenAlong) {
    constexpr int threads_count = 6;
    constexpr int calls_each = 60;
    constexpr auto wait_max = std::chrono::milliseconds(1);
    Calls impatient({.under_way_max = 2, .wait_max = wait_max, .together = {.jobs = 2}});
    std::array<std::atomic<int>, threads_count> taken{};
    std::atomic<int> left = 0;
    const auto work = [&](std::span<NumberedCall* const> together) {
        for (const NumberedCall* const one : together)
            ++taken.at(one->number);
        const auto until = std::chrono::steady_clock::now() + 2 * wait_max;
        while (std::chrono::steady_clock::now() < until)
            std::this_thread::yield();
        for (NumberedCall* const one : together)
            one->is_done = true;
    };
    const auto call_all = [&](int thread) {
        for (int i = 0; i < calls_each; ++i) {
            const int before = taken.at(thread);
            NumberedCall call{.number = thread};
            impatient.run("q", {.jobs = 1}, call, work);
            EXPECT_EQ(taken.at(thread) - before, call.is_done ? 1 : 0);
            left += call.is_done ? 0 : 1;
        }
    };
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < threads_count; ++thread)
            threads.emplace_back(call_all, thread);
    }
    EXPECT_LT(left, threads_count * calls_each);
}

TEST_F(SharedCallsTest, OfManyThreadsEachHasItsCallDoneOnce) {
    constexpr int threads_count = 8;
    constexpr int calls_each = 500;
    std::array<std::array<int, calls_each>, threads_count> done{};
    const auto count = [&done](auto together) {
        for (const NumberedCall* const one : together)
            ++done.at(one->number / calls_each).at(one->number % calls_each);
    };
    const auto call_all = [&](int thread) {
        for (int i = 0; i < calls_each; ++i) {
            NumberedCall call{.number = thread * calls_each + i};
            calls().run(thread % 3 == 0 ? "a" : "b", {.jobs = 1}, call, count);
        }
    };
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < threads_count; ++thread)
            threads.emplace_back(call_all, thread);
    }
    for (const auto& of_thread : done)
        EXPECT_THAT(of_thread, testing::Each(1));
}

}  // namespace
}  // namespace tranter::postgres_jobs
