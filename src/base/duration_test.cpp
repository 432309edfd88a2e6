#include "base/duration.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace tranter {
namespace {

using namespace std::chrono_literals;

TEST(ParseDurationTest, ReadsEveryUnitAndItsEnglishNames) {
    EXPECT_EQ(*parse_duration("7us"), 7us);
    EXPECT_EQ(*parse_duration("500ms"), 500ms);
    EXPECT_EQ(*parse_duration("500 millis"), 500ms);
    EXPECT_EQ(*parse_duration("10 seconds"), 10s);
    EXPECT_EQ(*parse_duration("1 second"), 1s);
    EXPECT_EQ(*parse_duration(" 2 minutes "), 2min);
    EXPECT_EQ(*parse_duration("3h"), 3h);
    EXPECT_EQ(*parse_duration("14d"), std::chrono::days(14));
}

TEST(ParseDurationTest, ReadsFractionsThatAreWholeMicroseconds) {
    EXPECT_EQ(*parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(*parse_duration("0.25 s"), 250ms);
    EXPECT_EQ(*parse_duration("1.000000s"), 1s);
    EXPECT_FALSE(parse_duration("0.0000001s"));
    EXPECT_FALSE(parse_duration("1.5us"));
    EXPECT_EQ(*parse_duration("1.000001d"), std::chrono::days(1) + 86400us);
}

TEST(ParseDurationTest, SaysWhatIsWrongAndWhatWouldBeRight) {
    EXPECT_EQ(
        parse_duration("30").error().message(), "\"30\" has no unit, write a duration like \"30s\""
    );
    EXPECT_EQ(
        parse_duration("-30s").error().message(), "\"-30s\" is negative, a duration starts at 0"
    );
    EXPECT_EQ(
        parse_duration("abc").error().message(),
        "\"abc\" is not a duration, write a number and a unit like \"30s\""
    );
    EXPECT_EQ(
        parse_duration("5 secnds").error().message(),
        "\"5 secnds\" has the unknown unit \"secnds\" (did you mean seconds?), write a duration "
        "like "
        "\"30s\""
    );
}

TEST(ParseDurationTest, RefusesWhatDoesNotFit) {
    EXPECT_EQ(
        parse_duration("99999999999999h").error().message(),
        "\"99999999999999h\" is too large for a duration"
    );
    EXPECT_FALSE(parse_duration("9223372036854775808us"));
    EXPECT_EQ(
        *parse_duration("9223372036854775807us"),
        Duration(std::numeric_limits<Duration::rep>::max())
    );
    EXPECT_FALSE(parse_duration("9223372036854.7758080s"));
    EXPECT_FALSE(parse_duration("99999999999999999999999999999999999s"));
}

TEST(ParseDurationTest, RefusesEverythingThatIsNotOneNumberAndOneUnit) {
    for (const char* text : {"", " ", "s", ".5s", "1.s", "1.", "1h30m", "1 s s", "0x1s", "1e3s"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(FormatDurationTest, IsTheShortestExactFormAndReadsBack) {
    EXPECT_EQ(format_duration(0s), "0s");
    EXPECT_EQ(format_duration(90s), "90s");
    EXPECT_EQ(format_duration(120s), "2m");
    EXPECT_EQ(format_duration(std::chrono::days(4)), "4d");
    for (const Duration value : {Duration(1), Duration(1500ms), Duration(36h), Duration(61min)}) {
        EXPECT_EQ(*parse_duration(format_duration(value)), value);
    }
}

}  // namespace
}  // namespace tranter
