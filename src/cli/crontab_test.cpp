#include "cli/crontab.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
namespace {

TEST(Crontab, LinesBecomeEntriesWithTheirZone) {
    const Crontab crontab = parse_crontab(
        "# nightly\n"
        "MAILTO=\"\"\n"
        "\n"
        "30 2 * * *  /usr/bin/backup --all\r\n"
        "CRON_TZ = 'Europe/Berlin'\n"
        "@daily echo hello\n",
        false
    );

    ASSERT_EQ(crontab.entries.size(), 2U);
    EXPECT_EQ(crontab.entries[0].line, 4U);
    EXPECT_EQ(crontab.entries[0].expression, "30 2 * * *");
    EXPECT_EQ(crontab.entries[0].command, "/usr/bin/backup --all");
    EXPECT_EQ(crontab.entries[0].timezone, "");
    EXPECT_EQ(crontab.entries[1].expression, "@daily");
    EXPECT_EQ(crontab.entries[1].timezone, "Europe/Berlin");
    EXPECT_TRUE(crontab.problems.empty());
}

TEST(Crontab, APercentBeginsTheInputUnlessItIsEscaped) {
    const Crontab crontab = parse_crontab("0 0 * * * date +\\%F; cat%one%two", false);

    ASSERT_EQ(crontab.entries.size(), 1U);
    EXPECT_EQ(crontab.entries[0].command, "date +%F; cat");
    EXPECT_EQ(crontab.entries[0].input, "one\ntwo");
}

TEST(Crontab, BothDaysHaveToMatchWhenOneBeginsWithAStar) {
    const Crontab crontab =
        parse_crontab("0 0 */2 * 1 a\n0 0 13 * */2 b\n0 0 13 * 5 c\n0 0 * * 5 d\n", false);

    ASSERT_EQ(crontab.entries.size(), 4U);
    EXPECT_EQ(crontab.entries[0].expression, "0 0 */2 * +1");
    EXPECT_EQ(crontab.entries[1].expression, "0 0 13 * +*/2");
    EXPECT_EQ(crontab.entries[2].expression, "0 0 13 * 5");
    EXPECT_EQ(crontab.entries[3].expression, "0 0 * * 5");
}

TEST(Crontab, SystemCrontabsHaveAUser) {
    const Crontab crontab = parse_crontab("17 * * * * root run-parts /etc/cron.hourly", true);

    ASSERT_EQ(crontab.entries.size(), 1U);
    EXPECT_EQ(crontab.entries[0].user, "root");
    EXPECT_EQ(crontab.entries[0].command, "run-parts /etc/cron.hourly");
}

TEST(Crontab, LinesOfBlanksAreEmptyHoweverTheyEnd) {
    const Crontab crontab = parse_crontab("  \r\n\t\n\r\n0 0 * * * ok\r\n", false);

    EXPECT_EQ(crontab.entries.size(), 1U);
    EXPECT_TRUE(crontab.problems.empty());
}

TEST(Crontab, WhatIsNoEntryIsSaidWithItsLine) {
    const Crontab crontab = parse_crontab("@reboot start\n* * *\n* * * * *\n0 0 * * * ok\n", false);

    EXPECT_EQ(crontab.entries.size(), 1U);
    ASSERT_EQ(crontab.problems.size(), 3U);
    EXPECT_EQ(crontab.problems[0].line, 1U);
    EXPECT_NE(crontab.problems[1].text.find("five fields"), std::string::npos);
    EXPECT_NE(crontab.problems[2].text.find("no command"), std::string::npos);
}

}  // namespace
}  // namespace tranter::cli
