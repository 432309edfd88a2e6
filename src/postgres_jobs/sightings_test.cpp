#include "postgres_jobs/sightings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace tranter::postgres_jobs {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const auto start = Sighting::Clock::time_point(std::chrono::hours(1));

ReceiveRequest asking(std::string queue) {
    return {.queue = std::move(queue), .worker = "w", .worker_concurrency = 4};
}

TEST(WorkerSightingsTest, WhatIsNewIsWrittenAtOnce) {
    WorkerSightings sightings;
    sightings.asks(asking("a"), start);
    EXPECT_THAT(sightings.take_due(start), SizeIs(1));

    sightings.asks(asking("b"), start + seconds(1));

    const auto due = sightings.take_due(start + seconds(1));
    ASSERT_THAT(due, SizeIs(1));
    EXPECT_THAT(due.front().queues, ElementsAre("a", "b"));
    EXPECT_EQ(due.front().concurrency, 4U);
}

TEST(WorkerSightingsTest, WhatGoesOnIsWrittenEveryFiveSeconds) {
    WorkerSightings sightings;
    sightings.asks(asking("a"), start);
    sightings.take_due(start);

    sightings.asks(asking("a"), start + seconds(1));
    sightings.heard("w", start + seconds(2));
    EXPECT_THAT(sightings.take_due(start + seconds(4)), IsEmpty());

    const auto due = sightings.take_due(start + seconds(5));
    ASSERT_THAT(due, SizeIs(1));
    EXPECT_EQ(due.front().seen, start + seconds(2));
    EXPECT_THAT(sightings.take_due(start + seconds(60)), IsEmpty());
}

TEST(WorkerSightingsTest, WhatWasNotWrittenIsWrittenLater) {
    WorkerSightings sightings;
    sightings.asks(asking("a"), start);
    const auto due = sightings.take_due(start);

    sightings.put_back(due);

    EXPECT_THAT(sightings.take_all(start + seconds(1)), SizeIs(1));
    EXPECT_THAT(sightings.take_all(start + seconds(2)), IsEmpty());
}

TEST(WorkerSightingsTest, OneThatWaitsIsNotSilent) {
    WorkerSightings sightings;
    ReceiveRequest request = asking("a");
    request.wait = minutes(5);

    sightings.asks(request, start);

    EXPECT_EQ(sightings.take_all(start).front().silent_from, start + minutes(5));
}

TEST(WorkerSightingsTest, NothingIsLearntWithoutAName) {
    WorkerSightings sightings;
    sightings.asks({.queue = "a"}, start);
    sightings.heard("", start);
    sightings.heard("nobody", start);

    EXPECT_THAT(sightings.take_all(start), IsEmpty());
}

}  // namespace
}  // namespace tranter::postgres_jobs
