#include "http/text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::http {
namespace {

TEST(TextTest, OnlyLettersHaveTwoCases) {
    for (std::size_t size = 1; size < 30; ++size) {
        const std::size_t at = size / 2;
        std::string left(size, 'k');
        std::string right(size, 'K');
        ASSERT_TRUE(same_ignoring_case(left, right)) << size;
        for (int a = 0; a < 256; ++a) {
            for (const int b : {a, a ^ 0x20, a ^ 0x80, a ^ 1}) {
                left[at] = static_cast<char>(a);
                right[at] = static_cast<char>(b);
                const bool same = lower(left[at]) == lower(right[at]);
                ASSERT_EQ(same_ignoring_case(left, right), same) << size << ' ' << a << ' ' << b;
            }
        }
    }
}

TEST(TextTest, EveryPositionCounts) {
    for (std::size_t size = 1; size < 30; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            std::string other(size, 'a');
            other[at] = 'b';
            EXPECT_FALSE(same_ignoring_case(other, std::string(size, 'A')));
        }
        EXPECT_FALSE(same_ignoring_case(std::string(size, 'a'), std::string(size + 1, 'a')));
    }
    EXPECT_TRUE(same_ignoring_case("", ""));
}

}  // namespace
}  // namespace tranter::http
