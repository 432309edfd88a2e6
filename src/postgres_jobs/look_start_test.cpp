#include "postgres_jobs/look_start.hpp"

#include <gtest/gtest.h>

namespace tranter::postgres_jobs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Point = LookStart::Point;

const LookStart::Clock::time_point start{};
constexpr std::int64_t dear = 100;
constexpr std::int64_t usual = 300'000'000;

TEST(LookStartTest, EachLookBeginsAtTheBeginningWhileThatIsCheap) {
    LookStart looks;

    looks.saw({}, {.jobs = 1'000, .rank = 7, .ends_from = 9, .blocks = 3'000}, start);

    EXPECT_EQ(looks.next(start).point, Point());
    EXPECT_FALSE(looks.next(start).is_turn);
    EXPECT_FALSE(looks.beginning_in(start));
}

TEST(LookStartTest, AfterADearOneTheyBeginAtTheJobThatItFoundFirst) {
    LookStart looks;

    looks.saw({}, {.jobs = 1, .rank = 7, .ends_from = 9, .blocks = dear}, start);

    EXPECT_EQ(looks.next(start).point, (Point{.rank = 7, .time = 9}));
    EXPECT_FALSE(looks.next(start).is_turn);
}

TEST(LookStartTest, TheyMoveOnWithTheJobsThatAreFound) {
    LookStart looks;
    looks.saw({}, {.jobs = 1, .rank = 7, .ends_from = 9, .blocks = dear}, start);

    looks.saw(looks.next(start), {.jobs = 5, .rank = 8, .blocks = 10}, start);
    EXPECT_EQ(looks.next(start).point, (Point{.rank = 8, .time = 9}));

    looks.saw(looks.next(start), {.looked_at = 1'000, .ends_from = 11}, start);
    EXPECT_EQ(looks.next(start).point, (Point{.rank = 8, .time = 11}));
}

TEST(LookStartTest, MoreThanAStepThatHasEndedIsLookedForFromTheBeginning) {
    LookStart looks;
    looks.saw({}, {.jobs = 1, .rank = 7, .ends_from = 9, .blocks = dear}, start);

    looks.saw(looks.next(start), {.jobs = 1, .rank = 8, .ends_from = 0}, start);

    EXPECT_EQ(looks.next(start).point, (Point{.rank = 8, .time = 0}));
}

TEST(LookStartTest, WhenNoJobWasEverFoundTheyBeginAtTheMoment) {
    LookStart looks;

    looks.saw({}, {.looked_at = 1'000, .blocks = dear}, start);

    EXPECT_EQ(looks.next(start).point.rank, 1'000);
}

TEST(LookStartTest, WhoseJobsOthersTakeBeginsWhereTheNextOneWillStand) {
    LookStart looks;
    looks.saw({}, {.jobs = 1, .rank = 7, .blocks = dear}, start);

    looks.saw(looks.next(start), {.looked_at = 1'000, .blocks = dear}, start);

    EXPECT_EQ(looks.next(start).point.rank, 1'000 + usual);
}

TEST(LookStartTest, JobsThatMayWaitLongerDoNotPutTheUsualOnesOff) {
    LookStart looks;

    looks.saw({}, {.jobs = 1, .rank = 2 * usual, .looked_at = 1'000, .blocks = dear}, start);

    EXPECT_EQ(looks.next(start).point.rank, 1'000 + usual);
}

TEST(LookStartTest, OneBeginsAtTheBeginningAgainAfterTenTimesWhatThatTook) {
    LookStart looks;

    looks.saw({}, {.jobs = 1, .rank = 7, .blocks = dear, .took = milliseconds(10)}, start);

    EXPECT_EQ(looks.beginning_in(start), milliseconds(100));
    EXPECT_EQ(looks.next(start + milliseconds(99)).point.rank, 7);
    EXPECT_EQ(looks.beginning_in(start + milliseconds(101)), milliseconds(1));
    const auto turn = looks.next(start + milliseconds(100));
    EXPECT_TRUE(turn.point.is_beginning());
    EXPECT_TRUE(turn.is_turn);
    EXPECT_EQ(looks.next(start + milliseconds(100)).point.rank, 7) << "while another one does so";
}

TEST(LookStartTest, OneThatFailedIsMadeAgain) {
    LookStart looks;
    looks.saw({}, {.jobs = 1, .rank = 7, .blocks = dear, .took = milliseconds(10)}, start);

    looks.failed(looks.next(start + seconds(1)), start + seconds(1));

    EXPECT_TRUE(looks.next(start + seconds(1)).is_turn);
}

TEST(LookStartTest, TheRestBetweenThoseHasLimits) {
    LookStart looks;

    looks.saw({}, {.jobs = 1, .rank = 7, .blocks = dear, .took = milliseconds(1)}, start);
    EXPECT_EQ(looks.beginning_in(start), LookStart::shortest_rest);

    looks.saw({}, {.jobs = 1, .rank = 7, .blocks = dear, .took = seconds(100)}, start);
    EXPECT_EQ(looks.beginning_in(start), LookStart::longest_rest);
}

TEST(LookStartTest, AllBeginAtTheBeginningOnceThatIsCheapAgain) {
    LookStart looks;
    looks.saw({}, {.jobs = 1, .rank = 7, .ends_from = 9, .blocks = dear}, start);

    looks.saw(looks.next(start + seconds(1)), {.jobs = 1, .rank = 20, .blocks = 10}, start);

    EXPECT_EQ(looks.next(start).point, Point());
}

}  // namespace
}  // namespace tranter::postgres_jobs
