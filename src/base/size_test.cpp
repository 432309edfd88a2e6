#include "base/size.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace tranter {
namespace {

TEST(ParseSizeTest, ReadsBinaryAndDecimalUnits) {
    EXPECT_EQ(*parse_size("0B"), 0U);
    EXPECT_EQ(*parse_size("256KiB"), 262144U);
    EXPECT_EQ(*parse_size("1 MiB"), 1048576U);
    EXPECT_EQ(*parse_size("10MB"), 10'000'000U);
    EXPECT_EQ(*parse_size("1.5KiB"), 1536U);
    EXPECT_EQ(*parse_size("2GiB"), 2147483648U);
}

TEST(ParseSizeTest, SaysWhatIsWrongAndWhatWouldBeRight) {
    EXPECT_EQ(
        parse_size("1024").error().message(), "\"1024\" has no unit, write a size like \"256KiB\""
    );
    EXPECT_EQ(
        parse_size("1mib").error().message(),
        "\"1mib\" has the unknown unit \"mib\" (did you mean MiB?), write a size like \"256KiB\""
    );
    EXPECT_EQ(parse_size("-1B").error().message(), "\"-1B\" is negative, a size starts at 0");
}

TEST(ParseSizeTest, RefusesOverflowAndFractionsOfAByte) {
    EXPECT_EQ(*parse_size("18446744073709551615B"), std::numeric_limits<std::uint64_t>::max());
    EXPECT_FALSE(parse_size("18446744073709551616B"));
    EXPECT_FALSE(parse_size("16777216TiB"));
    EXPECT_FALSE(parse_size("0.5B"));
}

TEST(FormatSizeTest, IsTheShortestExactFormAndReadsBack) {
    EXPECT_EQ(format_size(0), "0B");
    EXPECT_EQ(format_size(1048576), "1MiB");
    EXPECT_EQ(format_size(1500), "1500B");
    for (const std::uint64_t value :
         {std::uint64_t{1}, std::uint64_t{3} << 30, ~std::uint64_t{0}}) {
        EXPECT_EQ(*parse_size(format_size(value)), value);
    }
}

}  // namespace
}  // namespace tranter
