#include "admin/token_gate.hpp"
#include "admin/work_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tranter::admin {
namespace {

TokenGate::Verdict check(TokenGate& gate, std::string_view token, std::string_view peer) {
    const std::string header = "Bearer " + std::string(token);
    const std::vector<http::Header> headers{{"Authorization", header}};
    return gate.check({.headers = headers, .peer = peer});
}

TEST(TokenGateTest, WrongTokensWearOutTheirAddressOnly) {
    TokenGate gate("0123456789abcdef");
    int wrong = 0;
    while (check(gate, "x", "10.0.0.1") == TokenGate::Verdict::wrong && wrong < 1'000)
        ++wrong;

    EXPECT_GE(wrong, 10);
    EXPECT_LT(wrong, 1'000);
    EXPECT_EQ(check(gate, "x", "10.0.0.2"), TokenGate::Verdict::wrong);
    EXPECT_EQ(check(gate, "0123456789abcdef", "10.0.0.1"), TokenGate::Verdict::pass);
}

TEST(TokenGateTest, AskingWithoutATokenIsNoGuess) {
    TokenGate gate("0123456789abcdef");

    for (int i = 0; i < 1'000; ++i)
        ASSERT_EQ(gate.check({.peer = "10.0.0.1"}), TokenGate::Verdict::wrong);
}

TEST(TokenGateTest, TwoTokensAreNone) {
    TokenGate gate("0123456789abcdef");
    const std::vector<http::Header> headers{
        {"Authorization", "Bearer 0123456789abcdef"}, {"Authorization", "Bearer x"}};

    EXPECT_EQ(gate.check({.headers = headers}), TokenGate::Verdict::wrong);
}

TEST(WorkPoolTest, DoesWhatIsInLineBeforeItEnds) {
    std::atomic<int> done = 0;
    {
        WorkPool pool(2, 100);
        for (int i = 0; i < 100; ++i) {
            WorkPool::Task task = [&done] {
                ++done;
            };
            while (!pool.submit(task))
                std::this_thread::yield();
        }
    }

    EXPECT_EQ(done, 100);
}

TEST(WorkPoolTest, LeavesTheTaskWhenTheLineIsFull) {
    std::promise<void> go;
    std::promise<void> running;
    WorkPool pool(1, 1);
    WorkPool::Task first = [&] {
        running.set_value();
        go.get_future().wait();
    };
    ASSERT_TRUE(pool.submit(first));
    running.get_future().wait();
    WorkPool::Task second = [] {
    };
    ASSERT_TRUE(pool.submit(second));
    bool did = false;
    WorkPool::Task third = [&did] {
        did = true;
    };

    EXPECT_FALSE(pool.submit(third));
    third();
    EXPECT_TRUE(did);
    go.set_value();
}

void submit_more(WorkPool& pool, std::atomic<int>& done) {
    for (int i = 0; i < 10; ++i) {
        WorkPool::Task more = [&done] {
            ++done;
        };
        ASSERT_TRUE(pool.submit(more));
    }
}

TEST(WorkPoolTest, WhatIsDoneAtTheEndMayHaveMoreToDo) {
    std::atomic<int> done = 0;
    std::promise<void> running;
    std::promise<void> go;
    std::thread later;
    {
        WorkPool pool(4, 100);
        WorkPool::Task first = [&] {
            running.set_value();
            go.get_future().wait();
            submit_more(pool, done);
        };
        ASSERT_TRUE(pool.submit(first));
        running.get_future().wait();
        later = std::thread([&go] { go.set_value(); });
    }
    later.join();
    EXPECT_EQ(done, 10);
}

TEST(WorkPoolTest, HasAThreadForEachOfThoseWhoWaitAndNoLine) {
    std::promise<void> go;
    const std::shared_future<void> gone(go.get_future());
    std::latch running(2);
    WorkPool pool(2, 0);
    for (int i = 0; i < 2; ++i) {
        WorkPool::Task waits = [&running, gone] {
            running.count_down();
            gone.wait();
        };
        ASSERT_TRUE(pool.submit(waits));
    }
    running.wait();
    WorkPool::Task third = [] {
    };

    EXPECT_FALSE(pool.submit(third));
    go.set_value();
}

}  // namespace
}  // namespace tranter::admin
