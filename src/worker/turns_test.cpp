#include "worker/turns.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace tranter::worker {
namespace {

/// The next `count` turns, as letters.
std::string turns_of(Turns& turns, std::size_t count, const std::set<std::size_t>& absent = {}) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
        const auto queue = turns.next([&](std::size_t each) { return !absent.contains(each); });
        out += queue ? static_cast<char>('a' + *queue) : '-';
    }
    return out;
}

TEST(TurnsTest, SharesAreInTheProportionOfWeightsAndNeverInARow) {
    Turns turns({5, 1, 1}, QueueOrder::weighted);

    EXPECT_EQ(turns_of(turns, 14), "aabacaaaabacaa");
}

TEST(TurnsTest, WithoutWeightsEverybodyHasTheSameTurns) {
    Turns turns({1, 1, 1}, QueueOrder::weighted);

    EXPECT_EQ(turns_of(turns, 6), "abcabc");
}

TEST(TurnsTest, WhatOneDoesNotNeedTheOthersHave) {
    Turns turns({8, 3, 1}, QueueOrder::weighted);

    const std::string without_first = turns_of(turns, 8, {0});

    EXPECT_EQ(std::ranges::count(without_first, 'b'), 6);
    EXPECT_EQ(std::ranges::count(without_first, 'c'), 2);
    EXPECT_EQ(turns_of(turns, 2, {0, 1, 2}), "--");
}

TEST(TurnsTest, WhoWasAwayHasNoMoreCreditThanARoundIsWorth) {
    Turns turns({1, 1}, QueueOrder::weighted);
    (void)turns_of(turns, 1001, {1});

    const std::string together = turns_of(turns, 10);

    EXPECT_EQ(std::ranges::count(together, 'a'), 5);
}

TEST(TurnsTest, NobodyStarvesBesideAHundredTimesTheWeight) {
    Turns turns({1000, 1}, QueueOrder::weighted);

    EXPECT_EQ(std::ranges::count(turns_of(turns, 3003), 'b'), 3);
}

TEST(TurnsTest, InStrictOrderTheFirstThatMayIsNext) {
    Turns turns({1, 9, 9}, QueueOrder::strict);

    EXPECT_EQ(turns_of(turns, 3), "aaa");
    EXPECT_EQ(turns_of(turns, 2, {0}), "bb");
    EXPECT_EQ(turns_of(turns, 2), "aa");
}

}  // namespace
}  // namespace tranter::worker
