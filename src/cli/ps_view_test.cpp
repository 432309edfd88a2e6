#include "cli/ps_view.hpp"

#include "base/unicode.hpp"
#include "cli/terminal_text.hpp"
#include "cli/test_instances.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {
namespace {

using supervise::App;
using supervise::InstanceView;
using testing::HasSubstr;
using testing::Not;

std::vector<InstanceView> three_instances() {
    return {running_instance(0, "web"), running_instance(1, "web", 1), errored_instance(2, "mail")};
}

std::string ps_of(const std::vector<InstanceView>& instances, std::size_t width) {
    return ps_table(instances, {.columns = width}, test_now);
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return lines;
}

TEST(PsTableTest, HasAllColumnsWhereThereIsRoom) {
    const std::string table = ps_of(three_instances(), 0);

    EXPECT_EQ(
        table,
        "KEY  NAME  NAMESPACE  STATE     PID  UPTIME  RESTARTS    CPU    MEMORY  NOTE\n"
        "  0  web   default    ready    4000      3h         2  12.5%  64.0 MiB\n"
        "  1  web   default    ready    4001      3h         2  12.5%  64.0 MiB\n"
        "  2  mail  jobs       errored     -       -        10      -         -  "
        "given up after 10 restarts\n"
    );
    EXPECT_EQ(ps_of(three_instances(), 200), table);
}

TEST(PsTableTest, LeavesOutWhatMattersLeastAndKeepsNameAndState) {
    EXPECT_THAT(ps_of(three_instances(), 80), Not(HasSubstr("NAMESPACE")));
    EXPECT_THAT(ps_of(three_instances(), 80), HasSubstr("MEMORY"));
    EXPECT_THAT(ps_of(three_instances(), 40), HasSubstr("RESTARTS"));
    EXPECT_THAT(ps_of(three_instances(), 40), Not(HasSubstr("PID")));
    EXPECT_EQ(
        ps_of(three_instances(), 15), "NAME  STATE\nweb   ready\nweb   ready\nmail  errored\n"
    );
}

TEST(PsTableTest, NeverWrapsWhateverAnAppIsCalled) {
    std::vector<InstanceView> instances = three_instances();
    instances.push_back(
        running_instance(1000000, "データ処理ワーカーの長い名前" + std::string(80, 'x'))
    );
    instances.push_back(running_instance(4, "\x1b[2J\x1b]0;owned\x07\u202e\n"));
    instances.back().note = std::string(300, '!') + "\x1b[31m";
    for (const std::size_t width : {40, 80, 120, 200}) {
        const auto lines = lines_of(ps_table(instances, {width, true}, test_now));
        ASSERT_EQ(lines.size(), 6U);
        for (const std::string& line : lines) {
            EXPECT_LE(shown_columns(line), width) << line;
            EXPECT_EQ(line.find("\x1b[2J"), std::string::npos);
            EXPECT_EQ(line.find("\x1b]"), std::string::npos);
        }
    }
}

TEST(PsTableTest, HasColoursOnlyWhenTheyAreWanted) {
    EXPECT_THAT(
        ps_table(three_instances(), {0, true}, test_now), HasSubstr("\x1b[31merrored\x1b[0m")
    );
    EXPECT_THAT(ps_of(three_instances(), 0), Not(HasSubstr("\x1b")));
}

TEST(PsTableTest, OfNothingIsItsHeading) {
    EXPECT_EQ(lines_of(ps_of({}, 0)).size(), 1U);
}

App web_app() {
    App app;
    app.name = "web";
    app.command = {"/usr/bin/node", "server.js", "--token=abcdef", "--password", "hunter2"};
    app.directory = "/srv/web";
    app.environment = {
        {"NODE_ENV", "production"},
        {"STRIPE_KEY", "sk_live_1"},
        {"DB_PASSWORD", "hunter2"},
        {"DATABASE_URL", "postgres://u:hunter2@db/x"}};
    app.logs.output = "/var/log/web-{number}.log";
    app.instances = 2;
    return app;
}

TEST(JlistTest, HasTheShapeThatScriptsKnow) {
    const auto list = jlist(three_instances(), std::vector<App>{web_app()});

    ASSERT_EQ(list.items().size(), 3U);
    const Json& second = list.items()[1];
    EXPECT_EQ(second["pid"].number(), 4001);
    EXPECT_EQ(second["name"].text(), "web");
    EXPECT_EQ(second["pm_id"].number(), 1);
    EXPECT_EQ(second["monit"]["memory"].number(), 64 << 20);
    EXPECT_EQ(second["monit"]["cpu"].dump(), "12.5");
    const Json& env = second["pm2_env"];
    EXPECT_EQ(env["status"].text(), "online");
    EXPECT_EQ(env["pm_uptime"].number(), (1'800'000'000 - 3 * 3600) * 1000LL);
    EXPECT_EQ(env["restart_time"].number(), 2);
    EXPECT_EQ(env["pm_cwd"].text(), "/srv/web");
    EXPECT_EQ(env["pm_exec_path"].text(), "/usr/bin/node");
    EXPECT_EQ(env["pm_out_log_path"].text(), "/var/log/web-1.log");
    EXPECT_TRUE(env["pm_err_log_path"].is_null());
    EXPECT_EQ(env["namespace"].text(), "default");
    EXPECT_EQ(env["exec_mode"].text(), "fork_mode");
    EXPECT_EQ(env["instances"].number(), 2);
    EXPECT_EQ(env["env"]["NODE_ENV"].text(), "production");
    EXPECT_EQ(second["state"].text(), "ready");
    EXPECT_EQ(list.items()[2]["pm2_env"]["status"].text(), "errored");
    EXPECT_EQ(list.items()[2]["pm2_env"]["exit_code"].number(), 3);
}

TEST(JlistTest, WhoIsReplacedHasTheNumberAndTheLogsThatHeWasTold) {
    std::vector<InstanceView> instances = three_instances();
    instances.at(1).id.number = 7;
    instances.at(1).own_number = 1;

    const auto list = jlist(instances, std::vector<App>{web_app()});

    const Json& env = list.items()[1]["pm2_env"];
    EXPECT_EQ(env["NODE_APP_INSTANCE"].number(), 1);
    EXPECT_EQ(env["pm_out_log_path"].text(), "/var/log/web-1.log");
    EXPECT_EQ(list.items()[1]["number"].number(), 7);
}

TEST(JlistTest, HidesSecretsInVariablesAndOnTheCommandLine) {
    const std::string text = jlist(three_instances(), std::vector<App>{web_app()}).dump();

    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
    EXPECT_THAT(text, Not(HasSubstr("sk_live_1")));
    EXPECT_THAT(text, Not(HasSubstr("abcdef")));
}

TEST(JlistTest, IsJsonWhateverBytesAnAppIsMadeOf) {
    App app = web_app();
    app.name = "\xff\x1b\"\\\n";
    app.environment = {{"\xfe", "\x80"}};
    const auto list = jlist(std::vector{running_instance(0, app.name)}, std::vector{app});

    const auto read = Json::parse(list.dump());

    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->items().size(), 1U);
    EXPECT_TRUE(is_valid_utf8(list.dump()));
}

TEST(JlistTest, OfNothingIsAnEmptyArray) {
    EXPECT_EQ(jlist({}, {}).dump(), "[]");
}

}  // namespace
}  // namespace tranter::cli
