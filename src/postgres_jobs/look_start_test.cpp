#include "postgres_jobs/look_start.hpp"

#include <gtest/gtest.h>

namespace tranter::postgres_jobs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Point = LookStart::Point;
using Seen = LookStart::Seen;

const LookStart::Clock::time_point start{};

TEST(LookStartTest, EachLookBeginsAtTheBeginningWhileThatIsCheap) {
    LookStart looks;

    looks.saw({}, {.jobs = 1'000, .rank = 7, .leases_from = 9, .blocks = 3'000}, start);

    EXPECT_EQ(looks.next(start), Point());
    EXPECT_FALSE(looks.beginning_in(start));
}

TEST(LookStartTest, AfterADearOneTheyBeginAtTheJobThatItFoundFirst) {
    LookStart looks;

    looks.saw({}, {.jobs = 1, .rank = 7, .leases_from = 9, .blocks = 100}, start);

    EXPECT_EQ(looks.next(start), (Point{.rank = 7, .time = 9}));
}

TEST(LookStartTest, TheyMoveOnWithTheJobsThatAreFound) {
    LookStart looks;
    looks.saw({}, {.jobs = 1, .rank = 7, .leases_from = 9, .blocks = 100}, start);

    looks.saw(looks.next(start), {.jobs = 5, .rank = 8, .blocks = 10}, start);
    EXPECT_EQ(looks.next(start), (Point{.rank = 8, .time = 9}));

    looks.saw(looks.next(start), {.jobs = 0, .rank = 1'000, .leases_from = 11}, start);
    EXPECT_EQ(looks.next(start), (Point{.rank = 8, .time = 11}));
}

TEST(LookStartTest, WhenNoJobWasEverFoundTheyBeginWhereOneWouldStandNow) {
    LookStart looks;

    looks.saw({}, {.jobs = 0, .rank = 1'000, .blocks = 100}, start);

    EXPECT_EQ(looks.next(start).rank, 1'000);
}

TEST(LookStartTest, OneBeginsAtTheBeginningAgainAfterTenTimesWhatThatTook) {
    LookStart looks;

    looks.saw({}, {.jobs = 1, .rank = 7, .blocks = 100, .took = milliseconds(10)}, start);

    EXPECT_EQ(looks.beginning_in(start), milliseconds(100));
    EXPECT_EQ(looks.next(start + milliseconds(99)).rank, 7);
    EXPECT_EQ(looks.beginning_in(start + milliseconds(101)), milliseconds(0));
    EXPECT_TRUE(looks.next(start + milliseconds(100)).is_beginning());
    EXPECT_EQ(looks.next(start + milliseconds(100)).rank, 7) << "while another one does so";
}

TEST(LookStartTest, TheRestBetweenThoseHasLimits) {
    LookStart looks;

    looks.saw({}, {.jobs = 1, .rank = 7, .blocks = 100, .took = milliseconds(1)}, start);
    EXPECT_EQ(looks.beginning_in(start), LookStart::shortest_rest);

    looks.saw({}, {.jobs = 1, .rank = 7, .blocks = 100, .took = seconds(100)}, start);
    EXPECT_EQ(looks.beginning_in(start), LookStart::longest_rest);
}

TEST(LookStartTest, AllBeginAtTheBeginningOnceThatIsCheapAgain) {
    LookStart looks;
    looks.saw({}, {.jobs = 1, .rank = 7, .leases_from = 9, .blocks = 100}, start);

    looks.saw({}, {.jobs = 1, .rank = 20, .blocks = 10}, start + seconds(1));

    EXPECT_EQ(looks.next(start + seconds(1)), Point());
}

TEST(LookStartTest, WhoWasToldOfAnEarlierJobMovesBack) {
    LookStart looks;
    looks.saw({}, {.jobs = 1, .rank = 7, .blocks = 100}, start);

    looks.saw(looks.next(start), {.jobs = 1, .rank = 3, .blocks = 100}, start);

    EXPECT_EQ(looks.next(start).rank, 3);
}

}  // namespace
}  // namespace tranter::postgres_jobs
