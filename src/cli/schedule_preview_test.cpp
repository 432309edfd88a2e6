#include "cli/schedule_preview.hpp"

#include "cli/schedule_expression.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tranter::cli {
namespace {

std::string answer(std::string_view line) {
    static schedule::ZoneDirectory zones;
    return preview_line(line, zones);
}

TEST(PreviewLine, AnswersWithFiringsInUtc) {
    EXPECT_EQ(
        answer(R"({"expr":"30 2 * * *","tz":"America/New_York","from":"2026-03-07T12:00:00Z",)"
               R"("count":3})"),
        R"({"fires":["2026-03-08T07:00:00Z","2026-03-09T06:30:00Z","2026-03-10T06:30:00Z"]})"
    );
}

TEST(PreviewLine, IsStrictlyLaterThanFromWhateverItsOffset) {
    EXPECT_EQ(
        answer(R"({"expr":"0 9 * * *","from":"2026-03-14T10:00:00+01:00","count":1})"),
        R"({"fires":["2026-03-15T09:00:00Z"]})"
    );
    EXPECT_EQ(
        answer(R"({"expr":"0 9 * * *","tz":"","from":"2026-03-14T08:59:59.999Z","count":1})"),
        R"({"fires":["2026-03-14T09:00:00Z"]})"
    );
}

TEST(PreviewLine, WhatNeverFiresHasNoFirings) {
    EXPECT_EQ(answer(R"({"expr":"0 0 30 2 *","tz":"UTC","count":3})"), R"({"fires":[]})");
    EXPECT_EQ(answer(R"({"expr":"* * * * *","count":0})"), R"({"fires":[]})");
}

TEST(PreviewLine, IntervalsAndOtherMembersAreFine) {
    EXPECT_EQ(
        answer(R"({"id":7,"expr":"every 90 minutes","from":"1970-01-01T00:00:00Z","count":2,)"
               R"("tz":null})"),
        R"({"fires":["1970-01-01T01:30:00Z","1970-01-01T03:00:00Z"]})"
    );
}

TEST(PreviewLine, TheRulesOfAChangeOfClocksCanBeChosen) {
    EXPECT_EQ(
        answer(R"({"expr":"30 2 * * *","tz":"America/New_York","from":"2026-03-07T12:00:00Z",)"
               R"("count":1,"dst_gap":"shift"})"),
        R"({"fires":["2026-03-08T07:30:00Z"]})"
    );
}

TEST(PreviewLine, EveryOtherLineIsAnsweredByAnError) {
    const std::string deep = R"({"expr":)" + std::string(100'000, '[');
    const std::string lines[] = {
        "",
        "[]",
        "null",
        "{}",
        R"({"expr":7})",
        R"({"expr":"61 * * * *"})",
        R"({"expr":"* * * * *","tz":"Europe/Atlantis"})",
        R"({"expr":"* * * * *","tz":"../../etc/passwd"})",
        R"({"expr":"* * * * *","from":"yesterday"})",
        R"({"expr":"* * * * *","from":"2026-02-30T00:00:00Z"})",
        R"({"expr":"* * * * *","count":-1})",
        R"({"expr":"* * * * *","count":10001})",
        R"({"expr":"* * * * *","count":1.5})",
        R"({"expr":"* * * * *"} x)",
        "{\"expr\":\"\xff\"}",
        R"({"expr":")" + std::string(1 << 20, '*') + "\"}",
        deep,
    };
    for (const std::string& line : lines) {
        const std::string said = answer(line);
        EXPECT_TRUE(said.starts_with(R"({"error":")")) << line.substr(0, 100) << ": " << said;
        EXPECT_LT(said.size(), 1000U);
        EXPECT_EQ(said.find('\n'), std::string::npos);
    }
}

TEST(ScheduleExpressions, LocalTimesHaveTheOffsetThatHoldsThen) {
    schedule::ZoneDirectory zones;
    const auto local = [&](std::string_view when, std::string_view zone) {
        return local_text(parse_moment(when, "when").value(), *zones.find(zone).value());
    };

    EXPECT_EQ(local("2026-03-08T07:00:00Z", "America/New_York"), "2026-03-08T03:00:00-04:00");
    EXPECT_EQ(local("2026-01-01T00:00:00.5Z", "Asia/Kathmandu"), "2026-01-01T05:45:00.500+05:45");
    EXPECT_EQ(local("2026-01-01T00:00:00Z", "UTC"), "2026-01-01T00:00:00+00:00");
}

TEST(ScheduleExpressions, AnIntervalNeedsNoEvery) {
    EXPECT_EQ(interval_expression("30m"), "every 30m");
    EXPECT_EQ(interval_expression("every 30m"), "every 30m");
    EXPECT_EQ(interval_expression("PT30M"), "PT30M");
}

}  // namespace
}  // namespace tranter::cli
