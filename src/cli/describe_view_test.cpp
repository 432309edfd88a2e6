#include "cli/describe_view.hpp"

#include "cli/test_instances.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;
using supervise::App;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

App mail_app() {
    App app;
    app.name = "mail";
    app.command = {"/srv/mail", "--api-token", "s3cr3t-word"};
    app.directory = "/srv";
    app.environment = {{"B", "2"}, {"API_TOKEN", "s3cr3t-word"}, {"A", "1"}, {"B", "3"}};
    app.depends_on = {{.app = "db", .condition = supervise::Dependency::Condition::ready}};
    app.limits.memory_bytes = 100U << 20U;
    app.stop.signal = SIGINT;
    return app;
}

TEST(DescribeTextTest, SaysInWordsWhatAnAppIsAndHowItsInstancesAre) {
    const App app = mail_app();
    const DescribedApp described{app, {running_instance(7, "mail"), errored_instance(8, "mail")}};

    const std::string text = describe_text(described, Secrets::hidden, test_now);

    EXPECT_THAT(text, HasSubstr("command     /srv/mail --api-token [redacted]\n"));
    EXPECT_THAT(text, HasSubstr("depends on  db (ready)\n"));
    EXPECT_THAT(text, HasSubstr("restarts    always, given up after 10 within 1m\n"));
    EXPECT_THAT(text, HasSubstr("is ready    when it has lived 1s, within 30s\n"));
    EXPECT_THAT(text, HasSubstr("stops by    SIGINT, killed after 10s\n"));
    EXPECT_THAT(text, HasSubstr("limits      memory 100MiB\n"));
    EXPECT_THAT(text, HasSubstr("\nmail:0\n  key        7\n  state      ready\n"));
    EXPECT_THAT(text, HasSubstr("  last end  code 3\n"));
    EXPECT_THAT(text, HasSubstr("\nenvironment\n  A=1\n  API_TOKEN=[redacted]\n  B=3\n"));
    EXPECT_THAT(text, Not(HasSubstr("s3cr3t")));
}

TEST(DescribeTextTest, ShowsSecretsToWhoeverAsksForThem) {
    const App app = mail_app();

    const std::string text = describe_text({app}, Secrets::shown, test_now);

    EXPECT_THAT(text, HasSubstr("API_TOKEN=s3cr3t-word"));
    EXPECT_THAT(text, HasSubstr("--api-token s3cr3t-word"));
}

TEST(DescribeTextTest, IsHarmlessWhateverIsInIt) {
    App app = mail_app();
    app.name = "\x1b[2J";
    app.directory = "/tmp/\n\x1b]0;x\x07";
    app.environment = {{"\x1b[1m", "\u202e"}};

    const std::string text = describe_text({app}, Secrets::shown, test_now);

    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\u202e")));
}

TEST(DescribeJsonTest, HasEverythingAndHidesSecrets) {
    const App app = mail_app();
    const DescribedApp described{app, {running_instance(7, "mail")}};

    const Json record = describe_json(described, Secrets::hidden);

    EXPECT_EQ(record["name"].text(), "mail");
    EXPECT_EQ(record["instances_wanted"].number(), 1);
    EXPECT_EQ(record["environment"]["A"].text(), "1");
    EXPECT_EQ(record["environment"]["API_TOKEN"].text(), "[redacted]");
    EXPECT_EQ(record["restart"]["max"].number(), 10);
    EXPECT_EQ(record["depends_on"].items().at(0)["app"].text(), "db");
    ASSERT_EQ(record["instances"].items().size(), 1U);
    EXPECT_EQ(record["instances"].items()[0]["pid"].number(), 4007);
    EXPECT_THAT(record.dump(), Not(HasSubstr("s3cr3t")));
    EXPECT_THAT(describe_json(described, Secrets::shown).dump(), HasSubstr("s3cr3t-word"));
}

TEST(VisibleEnvironmentTest, HidesWhatTheNameOrTheValueSaysIsSecret) {
    App app;
    app.environment = {
        {"AWS_ACCESS_KEY_ID", "AKIA"},
        {"DB_PASSWORD", "x"},
        {"DATABASE_URL", "postgres://u:pw@db/x"},
        {"EMPTY_TOKEN", ""},
        {"PATH", "/bin"}};

    EXPECT_THAT(
        visible_environment(app, Secrets::hidden),
        ElementsAre(
            Pair("AWS_ACCESS_KEY_ID", "[redacted]"),
            Pair("DATABASE_URL", "postgres://u:[redacted]@db/x"),
            Pair("DB_PASSWORD", "[redacted]"),
            Pair("EMPTY_TOKEN", ""),
            Pair("PATH", "/bin")
        )
    );
}

TEST(VisibleEnvironmentTest, HidesWhatTheUsualShortNamesStandFor) {
    App app;
    app.command = {"run", "--db-pass=s3cr3t", "--auth", "s3cr3t", "--port", "80"};
    for (const char* name : {"ADMIN_PASS", "PGPASS", "SMTP_AUTH", "JWT", "GH_PAT", "STRIPE_SK"})
        app.environment.emplace_back(name, "s3cr3t");
    app.environment.emplace_back("ALARMS", "https://hooks.slack.com/services/T0/B0/s3cr3t");

    for (const auto& [name, value] : visible_environment(app, Secrets::hidden))
        EXPECT_THAT(value, Not(HasSubstr("s3cr3t"))) << name;
    EXPECT_THAT(
        visible_command(app, Secrets::hidden),
        ElementsAre("run", "--db-pass=[redacted]", "--auth", "[redacted]", "--port", "80")
    );
    EXPECT_EQ(visible_command(app, Secrets::shown), app.command);
}

TEST(PathForTest, PutsTheNumberWhereItBelongs) {
    EXPECT_EQ(path_for("/a/{number}/b-{number}.log", 3), "/a/3/b-3.log");
    EXPECT_EQ(path_for("/a", 3), "/a");
}

TEST(EndingTextTest, NamesSignals) {
    EXPECT_EQ(ending_text({.code = 2}), "code 2");
    EXPECT_EQ(ending_text({.signal = SIGKILL}), "signal SIGKILL");
}

}  // namespace
}  // namespace tranter::cli
