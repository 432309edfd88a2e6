#include "providers/broker_workers.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace tranter::providers {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Instant moment(std::chrono::seconds time) {
    return Instant{} + std::chrono::hours(1) + time;
}

std::vector<std::string> worker_names(KnownWorkers& workers, Instant now) {
    std::vector<std::string> found;
    for (const WorkerInfo& worker : workers.list(now))
        found.push_back(worker.name);
    return found;
}

TEST(KnownWorkersTest, OneThatWaitsForJobsIsNotSilent) {
    KnownWorkers workers;
    workers.asks({.queue = "q", .wait = minutes(20), .worker = "waits"}, moment(seconds(0)));
    workers.asks({.queue = "q", .worker = "asks"}, moment(seconds(0)));

    EXPECT_EQ(
        worker_names(workers, moment(minutes(10))), (std::vector<std::string>{"asks", "waits"})
    );
    EXPECT_EQ(worker_names(workers, moment(minutes(30))), std::vector<std::string>{"waits"});
    EXPECT_TRUE(worker_names(workers, moment(minutes(31))).empty());
}

TEST(KnownWorkersTest, OnlyThoseThatHaveAskedAreHeard) {
    KnownWorkers workers;
    workers.asks({.queue = "q"}, moment(seconds(0)));

    workers.heard("nobody", moment(seconds(1)));

    EXPECT_TRUE(workers.list(moment(seconds(1))).empty());
}

TEST(KnownWorkersTest, WhatIsNotSaidAgainStays) {
    KnownWorkers workers;
    workers.asks(
        {.queue = "b", .worker = "w", .worker_concurrency = 4, .worker_version = "1"},
        moment(seconds(0))
    );
    workers.asks({.queue = "a", .worker = "w"}, moment(seconds(5)));

    const auto known = workers.list(moment(seconds(6)));

    ASSERT_EQ(known.size(), 1U);
    EXPECT_EQ(known[0].concurrency, 4U);
    EXPECT_EQ(known[0].version, "1");
    EXPECT_EQ(known[0].queues, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(known[0].last_seen - known[0].first_seen, seconds(5));
}

TEST(KnownWorkersTest, BeyondTheLimitThoseThatWereSilentLongestGo) {
    KnownWorkers workers(100);
    for (int i = 0; i < 150; ++i) {
        workers.asks({.queue = "q", .worker = fmt::format("w{:03}", i)}, moment(seconds(i)));
    }

    const auto known = worker_names(workers, moment(seconds(150)));

    EXPECT_LE(known.size(), 100U);
    EXPECT_GE(known.size(), 80U);
    EXPECT_EQ(known.back(), "w149");
    EXPECT_EQ(std::ranges::count(known, "w000"), 0);
}

TEST(KnownWorkersTest, QueuesOfOneWorkerAreBounded) {
    KnownWorkers workers;
    for (int i = 0; i < 1'000; ++i) {
        workers.asks({.queue = fmt::format("q{}", i), .worker = "w"}, moment(seconds(0)));
    }

    EXPECT_LE(workers.list(moment(seconds(0)))[0].queues.size(), 100U);
}

}  // namespace
}  // namespace tranter::providers
