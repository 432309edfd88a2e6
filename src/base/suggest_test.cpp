#include "base/suggest.hpp"

#include <gtest/gtest.h>

namespace tranter {
namespace {

TEST(EditDistanceTest, CountsInsertionsRemovalsChangesAndSwaps) {
    EXPECT_EQ(edit_distance("", ""), 0U);
    EXPECT_EQ(edit_distance("queue", ""), 5U);
    EXPECT_EQ(edit_distance("queue", "queu"), 1U);
    EXPECT_EQ(edit_distance("quiue", "queue"), 1U);
    EXPECT_EQ(edit_distance("qeuue", "queue"), 1U);
    EXPECT_EQ(edit_distance("Queue", "queue"), 0U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(FindNearestTest, FindsTheNearestAndStaysSilentWhenNothingIsNear) {
    const std::string_view words[] = {"visibility_timeout", "delay", "retention"};

    EXPECT_EQ(find_nearest("visibilty_timeout", words), "visibility_timeout");
    EXPECT_EQ(find_nearest("dealy", words), "delay");
    EXPECT_EQ(find_nearest("frobnicate", words), "");
    EXPECT_EQ(find_nearest("", words), "");
    EXPECT_EQ(find_nearest(std::string(1000, 'a'), words), "");
    EXPECT_EQ(did_you_mean("dealy", words), " (did you mean delay?)");
    EXPECT_EQ(did_you_mean("x", words), "");
}

}  // namespace
}  // namespace tranter
