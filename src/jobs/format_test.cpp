#include <tranter/format.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace tranter {
namespace {

TEST(FormatTest, PutsEachValueInItsPlace) {
    const std::string name = "ann";

    EXPECT_EQ(format_text("to {}", name), "to ann");
    EXPECT_EQ(format_text("{}{}{}", "a", std::string_view("b"), 1), "ab1");
    EXPECT_EQ(format_text("{} of {}", std::uint8_t{3}, 0.25), "3 of 0.25");
    EXPECT_EQ(format_text("{} {}", true, -7L), "true -7");
    EXPECT_EQ(format_text("{}", std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(FormatTest, ValuesAreNotLookedInto) {
    EXPECT_EQ(format_text("<{}>", "{} }} {"), "<{} }} {>");
}

TEST(FormatTest, DoubledBracesAreBraces) {
    EXPECT_EQ(format_text("{{{}}}", 1), "{1}");
    EXPECT_EQ(format_text("}}{{"), "}{");
    EXPECT_EQ(format_text(""), "");
}

}  // namespace
}  // namespace tranter
