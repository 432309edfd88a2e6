#include "schedule/time_zone.hpp"

#include "schedule/zone_directory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

ZoneHandle zone(std::string_view name) {
    static ZoneDirectory directory;
    auto found = directory.find(name);
    EXPECT_TRUE(found) << (found ? "" : found.error().message());
    return found ? *found : std::make_shared<const TimeZone>(TimeZone::utc());
}

seconds offset(std::string_view name, UtcSeconds when) {
    return zone(name)->period_at(when).offset;
}

constexpr UtcSeconds noon(year_month_day day) {
    return sys_days(day) + 12h;
}

TEST(TimeZone, KnowsOffsetsOfOddMinutes) {
    EXPECT_EQ(offset("Asia/Kathmandu", noon(2026y / 3 / 1)), 5h + 45min);
    EXPECT_EQ(offset("Pacific/Chatham", noon(2026y / 7 / 1)), 12h + 45min);
    EXPECT_EQ(offset("Australia/Lord_Howe", noon(2026y / 1 / 1)), 11h);
    EXPECT_EQ(offset("Australia/Lord_Howe", noon(2026y / 7 / 1)), 10h + 30min);
}

TEST(TimeZone, FollowsTheFooterAfterTheLastTransition) {
    EXPECT_EQ(offset("America/New_York", noon(2090y / 1 / 15)), -5h);
    EXPECT_EQ(offset("America/New_York", noon(2090y / 7 / 15)), -4h);
    EXPECT_EQ(offset("America/Sao_Paulo", noon(2190y / 12 / 15)), -3h);
}

TEST(TimeZone, HasPeriodsThatMeetWithoutAHole) {
    for (const auto* name : {"America/New_York", "Europe/Dublin", "Africa/Casablanca", "UTC"}) {
        UtcSeconds at = sys_days(1900y / 1 / 1);
        int periods = 0;
        while (at < sys_days(2199y / 12 / 31)) {
            const ZonePeriod period = zone(name)->period_at(at);
            ASSERT_LE(period.begin, at) << name;
            ASSERT_GT(period.end, at) << name;
            if (periods > 0) {
                ASSERT_EQ(period.begin, at) << name;
            }
            at = period.end;
            ++periods;
        }
        EXPECT_GE(periods, 1);
    }
}

TEST(TimeZone, TakesDaylightSavingBelowStandardTime) {
    EXPECT_EQ(offset("Europe/Dublin", noon(2026y / 1 / 15)), 0h);
    EXPECT_EQ(offset("Europe/Dublin", noon(2060y / 1 / 15)), 0h);
    EXPECT_EQ(offset("Europe/Dublin", noon(2060y / 7 / 15)), 1h);
}

TEST(TimeZone, LosesADayInApia) {
    const ZonePeriod before = zone("Pacific/Apia")->period_at(sys_days(2011y / 12 / 30) + 9h);
    EXPECT_EQ(before.offset, -10h);
    EXPECT_EQ(before.end, UtcSeconds(sys_days(2011y / 12 / 30) + 10h));
    EXPECT_EQ(zone("Pacific/Apia")->period_at(before.end).offset, 14h);
}

TEST(TimeZone, RefusesWhatIsNoZoneFile) {
    EXPECT_FALSE(TimeZone::parse("x", ""));
    EXPECT_FALSE(TimeZone::parse("x", "TZif"));
    EXPECT_FALSE(TimeZone::parse("x", "TZif2" + std::string(60, '\xff')));
}

TEST(PosixRule, RefusesWhatIsNoRule) {
    for (const auto* text :
         {"",
          "E",
          "EST",
          "EST25",
          "EST5EDT",
          "EST5EDT,M3.2.0",
          "<-03",
          "<-03>3x",
          "EST5EDT,M13.2.0,M11.1.0",
          "EST5EDT,M3.6.0,M11.1.0",
          "EST--5"}) {
        EXPECT_FALSE(PosixRule::parse(text)) << text;
    }
    EXPECT_TRUE(PosixRule::parse("<+0330>-3:30"));
    EXPECT_TRUE(PosixRule::parse("IST-1GMT0,M10.5.0,M3.5.0/1"));
    EXPECT_TRUE(PosixRule::parse("EST5EDT,J60/-1:30,365"));
}

TEST(ZoneDirectory, RefusesNamesThatLeadElsewhere) {
    ZoneDirectory directory;
    for (const auto* name :
         {"",
          "/etc/localtime",
          "../passwd",
          "Europe/../UTC",
          "Europe/",
          "Europe",
          "a//b",
          "right/UTC",
          "tzdata.zi",
          "Europe/Ber\nlin"}) {
        const auto found = directory.find(name);
        ASSERT_FALSE(found) << name;
        EXPECT_EQ(found.error().code(), Errc::invalid_argument) << name;
    }
}

TEST(ZoneDirectory, NamesTheNearestZone) {
    ZoneDirectory directory;
    const auto found = directory.find("Europe/Berln");
    ASSERT_FALSE(found);
    EXPECT_EQ(
        found.error().message(), "time zone Europe/Berln is not known (did you mean Europe/Berlin?)"
    );
}

TEST(ZoneDirectory, SaysThatTheMachineHasNoZones) {
    ZoneDirectory directory("/nonexistent");
    EXPECT_TRUE(directory.find("UTC"));
    const auto found = directory.find("Europe/Berlin");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), Errc::unavailable);
    EXPECT_TRUE(found.error().message().ends_with("install tzdata"));
}

TEST(ZoneDirectory, KnowsItsVersion) {
    EXPECT_FALSE(ZoneDirectory().version().empty());
    EXPECT_TRUE(ZoneDirectory("/nonexistent").version().empty());
}

}  // namespace
}  // namespace tranter::schedule
