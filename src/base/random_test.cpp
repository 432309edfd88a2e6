#include "base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tranter {
namespace {

/// So many that seeds of 32 bits would repeat ten times, and those of 64 bits do not in the life of
/// this test.
TEST(RandomTest, BeginsSomewhereElseEachTime) {
    std::vector<std::uint64_t> first(300'000);
    std::ranges::generate(first, [] { return Random().next(); });

    std::ranges::sort(first);

    EXPECT_EQ(std::ranges::adjacent_find(first), first.end());
}

TEST(RandomTest, GoesOnWithinAThread) {
    EXPECT_NE(random_word(), random_word());
}

}  // namespace
}  // namespace tranter
