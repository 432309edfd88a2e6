#include "schedule/cadence.hpp"

#include "schedule/test_time.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace tranter::schedule {
namespace {

using namespace std::chrono_literals;

ZoneDirectory& zones() {
    static ZoneDirectory directory;
    return directory;
}

Result<Cadence> parse(
    std::string_view expression, const std::string& zone = {}, DstRules dst = {}
) {
    return Cadence::parse(expression, {.zone = zone, .dst = dst}, zones());
}

Cadence cadence(std::string_view expression, const std::string& zone = {}, DstRules dst = {}) {
    auto parsed = parse(expression, zone, dst);
    if (!parsed) throw std::invalid_argument(parsed.error().message());
    return std::move(*parsed);
}

UtcMillis at(std::string_view text) {
    return test::utc_floor(text);
}

std::string firings(const Cadence& when, std::string_view from, std::size_t count) {
    std::string out;
    for (const UtcMillis one : when.next_n(at(from), count)) {
        out += (out.empty() ? "" : " ") +
               test::utc_text(std::chrono::floor<std::chrono::seconds>(one));
    }
    return out;
}

std::string error(std::string_view expression, const std::string& zone = {}) {
    const auto parsed = parse(expression, zone);
    return parsed ? "accepted" : parsed.error().message();
}

TEST(Cadence, SaysWhatIsWrongWhereAndWhatWouldBeRight) {
    EXPECT_EQ(error("61 * * * *"), "minute (column 1): 61 is out of range, it goes from 0 to 59");
    EXPECT_EQ(
        error("0 0 * * FRI-MON"),
        "day-of-week (column 13): the range ends before it begins; write it as two, such as "
        "5-7,0-..."
    );
    EXPECT_EQ(error("* * * JANUARY *"), "month (column 10): \"UARY\" is left over");
    EXPECT_EQ(
        error("* * * * MOO"),
        "day-of-week (column 9): \"MOO\" is no value, give a number from 0 to 7 or a name like "
        "SUN (did you mean MON?)"
    );
    EXPECT_EQ(error("@dialy"), "\"@dialy\" is no known name (did you mean @daily?)");
    EXPECT_EQ(error("every 5"), "the interval has \"5\" without a unit, did you mean 5 minutes?");
    EXPECT_EQ(
        error("every 2 months"),
        "the interval counts in months, which have no fixed length; use a cron expression"
    );
}

TEST(Cadence, RefusesWhatIsNoExpression) {
    for (const auto* text :
         {"",
          "* * * *",
          "* * * * * * * *",
          "1, * * * *",
          "5- * * * *",
          "*/0 * * * *",
          "/5 * * * *",
          "L * * * *",
          "* * * * * %",
          "* * * * *\n* * * * *",
          "@fortnightly",
          "@reboot",
          "a b c d e",
          "* * * * MON#6",
          "* * * * MON#11",
          "0 0 ?/2 * *",
          "? * * * *",
          "0 0 L-31 * *",
          "CRON_TZ= 0 0 * * *",
          "TZ=Mars/Olympus 0 0 * * *",
          "every",
          "every 0 s",
          "every 1 ns",
          "every 10 ms",
          "every -5 minutes",
          "PT",
          "P",
          "P1M",
          "PT1D",
          "P1Y",
          "PT1.5H",
          "every 1h1h",
          "every 99999999999999999999 s",
          "every 1 hour between 09:00",
          "every 1 hour between 9 and 17",
          "every 1 hour between 24:01 and 25:00",
          "every 1 hour between 09:00 and 09:00",
          "every 1 hour starting yesterday",
          "every 1 hour starting 2026-01-01T00:00:00",
          "every 1 hour sometimes",
          "every 4000 days"}) {
        EXPECT_NE(error(text), "accepted") << text;
    }
    std::string long_one = "1";
    for (int i = 0; i < 5000; ++i)
        long_one += ",1";
    EXPECT_NE(error(long_one + " * * * *"), "accepted");
    EXPECT_NE(error(std::string(1U << 20U, '*')), "accepted");
}

TEST(Cadence, KnowsWhatNeverFires) {
    const auto now = at("2026-03-14T15:09:26Z");
    for (const auto* text : {"0 0 30 2 *", "0 0 31 4 *", "0 0 0 1 1 * 2020", "0 0 0 29 2 * 2027"}) {
        const auto checked = cadence(text).check_fires(now);
        ASSERT_FALSE(checked) << text;
        EXPECT_EQ(checked.error().code(), Errc::invalid_argument);
    }
    EXPECT_TRUE(cadence("0 0 29 2 *").check_fires(now));
    EXPECT_FALSE(cadence("every 1 day between 09:00 and 10:00").check_fires(now));
}

TEST(Cadence, WarnsAboutWhatWasNotMeant) {
    EXPECT_TRUE(cadence("*/15 * * * *").warnings().empty());
    EXPECT_EQ(
        cadence("*/90 * * * *").warnings().at(0),
        "minute: a step of 90 only ever means 0; for a longer time use \"every 90 minutes\""
    );
    EXPECT_EQ(cadence("5/15 * * * *").warnings().at(0), "minute: 5/15 means 5-59/15");
    EXPECT_EQ(
        cadence("* 9 * * *").warnings().at(0),
        "minute: * is every minute of hour 9; write 0 for once"
    );
    EXPECT_EQ(
        cadence("* 30 9 * * *").warnings().at(0),
        "second: * is every second of minute 30; write 0 for once"
    );
    EXPECT_EQ(
        cadence("*/7 * * * *").warnings().at(0),
        "minute: the steps begin anew every hour, so that 56 is followed by 0; for real time use "
        "\"every 7 minutes\""
    );
    EXPECT_EQ(
        cadence("0 0 1 * MON").warnings().at(0),
        "day-of-week: a day of the month and one of the week are given, and either is enough; "
        "write "
        "+MON to ask for both"
    );
    EXPECT_EQ(
        cadence("0 0 31 * *").warnings().at(0),
        "day-of-month: day 31 is not in every month; L is the last day of each"
    );
}

TEST(Cadence, WarnsOfNothingThatIsUsual) {
    for (const char* usual :
         {"0 9 * * 1-5",
          "*/5 9-17 * * *",
          "* * * * *",
          "*/20 * * * * *",
          "0 */6 * * *",
          "0 0 L * *",
          "0 0 29 2 *",
          "0 0 31 1,3 *",
          "0 0 1,15 * *",
          "0 12 1 * +MON",
          "@hourly",
          "every 7 minutes"}) {
        EXPECT_TRUE(cadence(usual).warnings().empty()) << usual;
    }
}

TEST(Cadence, FollowsTheChosenRulesForDaylightSaving) {
    const auto gap = [](DstGap rule) {
        return firings(
            cadence("30 2 * * *", "America/New_York", {.gap = rule}), "2026-03-07T12:00:00Z", 2
        );
    };
    EXPECT_EQ(gap(DstGap::run_after), "2026-03-08T07:00:00Z 2026-03-09T06:30:00Z");
    EXPECT_EQ(gap(DstGap::skip), "2026-03-09T06:30:00Z 2026-03-10T06:30:00Z");
    EXPECT_EQ(gap(DstGap::shift), "2026-03-08T07:30:00Z 2026-03-09T06:30:00Z");
    const auto overlap = [](DstOverlap rule) {
        return firings(
            cadence("30 1 * * *", "America/New_York", {.overlap = rule}), "2026-10-31T12:00:00Z", 3
        );
    };
    EXPECT_EQ(
        overlap(DstOverlap::first), "2026-11-01T05:30:00Z 2026-11-02T06:30:00Z 2026-11-03T06:30:00Z"
    );
    EXPECT_EQ(
        overlap(DstOverlap::last), "2026-11-01T06:30:00Z 2026-11-02T06:30:00Z 2026-11-03T06:30:00Z"
    );
    EXPECT_EQ(
        overlap(DstOverlap::both), "2026-11-01T05:30:00Z 2026-11-01T06:30:00Z 2026-11-02T06:30:00Z"
    );
}

TEST(Cadence, RunsOnceForAWholeLostDay) {
    EXPECT_EQ(
        firings(cadence("0 9 * * *", "Pacific/Apia"), "2011-12-29T12:00:00Z", 3),
        "2011-12-29T19:00:00Z 2011-12-30T10:00:00Z 2011-12-30T19:00:00Z"
    );
}

TEST(Cadence, ReadsIntervals) {
    const auto period = [](std::string_view text) {
        return Interval::parse(text).value().period();
    };
    EXPECT_EQ(period("every minute"), 1min);
    EXPECT_EQ(period("every 30 minutes"), 30min);
    EXPECT_EQ(period("every 1h30m"), 90min);
    EXPECT_EQ(period("@every 1h30m"), 90min);
    EXPECT_EQ(period("every 1500ms"), 1500ms);
    EXPECT_EQ(period("PT30M"), 30min);
    EXPECT_EQ(period("every P1DT12H"), 36h);
    EXPECT_EQ(period("P2W"), 336h);
    EXPECT_EQ(period("every 2 weeks"), 336h);
}

TEST(Cadence, AlignsIntervalsWithTheEpochOrTheirStart) {
    EXPECT_EQ(
        firings(cadence("every 7 hours"), "1970-01-01T00:00:00Z", 2),
        "1970-01-01T07:00:00Z 1970-01-01T14:00:00Z"
    );
    EXPECT_EQ(
        firings(cadence("every 1 hour starting 2026-03-01T00:20:00Z"), "2026-02-01T00:00:00Z", 2),
        "2026-03-01T00:20:00Z 2026-03-01T01:20:00Z"
    );
    EXPECT_FALSE(
        cadence("every 1 hour starting 2026-03-01T00:20:00Z").previous(at("2026-03-01T00:20:00Z"))
    );
}

TEST(Cadence, KeepsToItsWindow) {
    EXPECT_EQ(
        firings(
            cadence("every 4 hours between 09:00 and 17:00", "Europe/Berlin"),
            "2026-03-28T07:00:00Z",
            4
        ),
        "2026-03-28T08:00:00Z 2026-03-28T12:00:00Z 2026-03-29T08:00:00Z 2026-03-29T12:00:00Z"
    );
    EXPECT_EQ(
        firings(
            cadence("every 1 hour between 23:00 and 01:00 UTC", "Europe/Berlin"),
            "2026-03-28T07:00:00Z",
            3
        ),
        "2026-03-28T23:00:00Z 2026-03-29T00:00:00Z 2026-03-29T23:00:00Z"
    );
}

TEST(Cadence, SaysItInWords) {
    const auto words = [](std::string_view text, const std::string& zone = {}) {
        return cadence(text, zone).in_words();
    };
    EXPECT_EQ(
        words("0 9 * * MON-FRI", "America/New_York"), "every weekday at 09:00, New York time"
    );
    EXPECT_EQ(words("*/15 * * * *"), "every 15 minutes, UTC");
    EXPECT_EQ(words("* * * * *"), "every minute, UTC");
    EXPECT_EQ(words("* * * * * *"), "every second, UTC");
    EXPECT_EQ(words("0 * * * *"), "every hour, UTC");
    EXPECT_EQ(words("30 * * * *"), "at minute 30 of every hour, UTC");
    EXPECT_EQ(words("0 */2 * * *"), "every 2 hours, UTC");
    EXPECT_EQ(words("0 9,17 * * *"), "every day at 09:00 and 17:00, UTC");
    EXPECT_EQ(words("0 0 1 * *"), "on day 1 of the month at 00:00, UTC");
    EXPECT_EQ(words("0 0 L * *"), "on the last day of the month at 00:00, UTC");
    EXPECT_EQ(words("0 12 1 * +MON"), "on day 1 of the month if it is a Monday at 12:00, UTC");
    EXPECT_EQ(words("0 0 13 * FRI"), "on day 13 of the month and every Friday at 00:00, UTC");
    EXPECT_EQ(words("0 0 * * FRI#2"), "on the second Friday of the month at 00:00, UTC");
    EXPECT_EQ(words("0 0 1 1 *"), "on day 1 of the month at 00:00 in January, UTC");
    EXPECT_EQ(words("*/10 8-17 * * 1-5"), "every 10 minutes of hours 8 to 17, every weekday, UTC");
    EXPECT_EQ(words("every 30 minutes"), "every 30 minutes");
    EXPECT_EQ(
        words("every 30 minutes between 09:00 and 17:00", "Europe/Berlin"),
        "every 30 minutes between 09:00 and 17:00, Berlin time"
    );
}

/// A field that is random and valid.
std::string random_field(std::mt19937_64& random, int least, int most) {
    const auto pick = [&](int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random);
    };
    switch (pick(0, 4)) {
        case 0:
            return "*";
        case 1:
            return "*/" + std::to_string(pick(1, most - least));
        case 2: {
            const int first = pick(least, most);
            return std::to_string(first) + "-" + std::to_string(pick(first, most));
        }
        case 3:
            return std::to_string(pick(least, most)) + "," + std::to_string(pick(least, most));
        default:
            return std::to_string(pick(least, most));
    }
}

TEST(Cadence, AgreesWithItselfForwardsAndBackwards) {
    std::mt19937_64 random(20261126);
    const std::vector<std::string> names{
        "UTC",
        "America/New_York",
        "Europe/Dublin",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "America/Havana",
        "Antarctica/Troll",
        "Pacific/Apia",
        "Africa/Casablanca"};
    for (int round = 0; round < 3000; ++round) {
        const std::string expression =
            random_field(random, 0, 59) + " " + random_field(random, 0, 23) + " " +
            random_field(random, 1, 28) + " " + random_field(random, 1, 12) + " " +
            random_field(random, 0, 6);
        const std::string& zone = names[random() % names.size()];
        const DstRules dst{
            .gap = static_cast<DstGap>(random() % 3),
            .overlap = static_cast<DstOverlap>(random() % 3)};
        const Cadence when = cadence(expression, zone, dst);
        UtcMillis from =
            at("2010-01-01T00:00:00Z") + std::chrono::seconds(random() % 1'000'000'000);
        for (int i = 0; i < 5; ++i) {
            const auto next = when.next(from);
            ASSERT_TRUE(next) << expression;
            ASSERT_GT(*next, from) << expression << " " << zone;
            // Nothing lies between, seen from the other side.
            const auto back = when.previous(*next);
            ASSERT_TRUE(!back || *back <= from)
                << expression << " " << zone << " from " << from.time_since_epoch().count();
            ASSERT_EQ(when.previous(*next + 1ms), *next) << expression << " " << zone;
            ASSERT_EQ(when.next(*next - 1ms), *next) << expression << " " << zone;
            from = *next;
        }
    }
}

TEST(Cadence, FindsWhatSecondBySecondSearchFinds) {
    std::mt19937_64 random(7);
    const std::vector<std::string> names{
        "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Havana"};
    for (int round = 0; round < 40; ++round) {
        const std::string expression =
            random_field(random, 0, 59) + " " + random_field(random, 0, 23) + " * * *";
        const Cadence when = cadence(
            expression,
            names[random() % names.size()],
            {.gap = DstGap::skip, .overlap = DstOverlap::both}
        );
        const auto cron = CronExpression::parse(expression).value();
        const UtcMillis begin =
            at(round % 2 == 0 ? "2026-03-07T00:00:00Z" : "2026-10-31T00:00:00Z");
        std::vector<UtcMillis> slow;
        for (UtcSeconds second = std::chrono::floor<std::chrono::seconds>(begin);
             second < begin + 48h;
             second += 1min) {
            const LocalSeconds local = when.zone().period_at(second).to_local(second);
            if (cron.first_from(local) == local) slow.push_back(second);
        }
        std::vector<UtcMillis> fast = when.next_n(begin - 1ms, slow.size() + 1);
        while (!fast.empty() && fast.back() >= begin + 48h)
            fast.pop_back();
        EXPECT_EQ(fast, slow) << expression << " " << when.zone().name();
    }
}

}  // namespace
}  // namespace tranter::schedule
