#include "cli/startup_unit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tranter::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(StartupUnitTest, OfAUserRunsTheDaemonAndBringsBackWhatWasSaved) {
    EXPECT_EQ(
        unit_text({.program = "/usr/bin/tranter", .environment = {{"PATH", "/bin"}}}),
        "# Written by `tranter startup`; it replaces this file.\n"
        "[Unit]\n"
        "Description=Tranter, and the apps that it keeps running\n"
        "Documentation=man:tranter(1)\n"
        "\n"
        "[Service]\n"
        "Type=notify\n"
        "Environment=\"PATH=/bin\"\n"
        "ExecStart=\"/usr/bin/tranter\" daemon\n"
        "ExecStartPost=-\"/usr/bin/tranter\" resurrect\n"
        "ExecReload=\"/usr/bin/tranter\" reload all\n"
        "KillMode=mixed\n"
        "Delegate=yes\n"
        "Restart=on-failure\n"
        "RestartSec=1\n"
        "TimeoutStopSec=15min\n"
        "\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    );
}

TEST(StartupUnitTest, OfTheSystemNamesItsUserAndWaitsForTheNetwork) {
    const std::string text =
        unit_text({.program = "/t", .file = "/srv/apps.json", .user = "deploy"});

    EXPECT_THAT(text, HasSubstr("\nUser=deploy\n"));
    EXPECT_THAT(text, HasSubstr("\nAfter=network-online.target\n"));
    EXPECT_THAT(text, HasSubstr("\nExecStartPost=-\"/t\" up --no-wait \"/srv/apps.json\"\n"));
    EXPECT_THAT(text, HasSubstr("\nWantedBy=multi-user.target\n"));
}

TEST(StartupUnitTest, LetsNothingThatIsPutInMeanAnythingElse) {
    const std::string text = unit_text(
        {.program = "/opt/my tools/$HOME/%h/t",
         .file = "/a\"b\\c\nExecStartPre=/bin/evil",
         .environment = {{"PATH", "/a b:$x:%n"}}}
    );

    EXPECT_THAT(text, HasSubstr("ExecStart=\"/opt/my tools/$HOME/%%h/t\" daemon\n"));
    EXPECT_THAT(text, HasSubstr("up --no-wait \"/a\\\"b\\\\c\\x0aExecStartPre=/bin/evil\"\n"));
    EXPECT_THAT(text, HasSubstr("Environment=\"PATH=/a b:$x:%%n\"\n"));
    EXPECT_THAT(text, Not(HasSubstr("\nExecStartPre")));
}

TEST(StartupUnitTest, IsKnownAgain) {
    EXPECT_TRUE(is_our_unit(unit_text({.program = "/t"})));
    EXPECT_FALSE(is_our_unit("[Unit]\nDescription=of somebody else\n"));
    EXPECT_FALSE(is_our_unit(""));
}

}  // namespace
}  // namespace tranter::cli
