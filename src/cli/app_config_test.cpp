#include "cli/app_config.hpp"

#include "appfile/load.hpp"
#include "cli/role_ending.hpp"
#include "cli/toml_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;
using supervise::App;
using supervise::Dependency;
using supervise::Probe;
using testing::ElementsAre;
using testing::HasSubstr;

const char* no_variable(const std::string&) {
    return nullptr;
}

Result<ServerConfig> parse_apps(const std::string& text) {
    return parse_toml_config(text, {.name = "t.toml"}, &no_variable);
}

/// The apps of a file, or none with a failed test.
std::vector<AppConfig> apps_in(const std::string& text) {
    const auto config = parse_apps(text);
    EXPECT_TRUE(config) << (config ? "" : config.error().message()) << '\n' << text;
    return config ? config->apps : std::vector<AppConfig>{};
}

std::string app_error(const std::string& text) {
    const auto config = parse_apps(text);
    return config ? "accepted" : config.error().message();
}

/// An app in which every field differs from its default.
App full_app() {
    return {
        .name = "an app.1",
        .space = "shop",
        .type = supervise::AppType::oneshot,
        .command = {"/bin/sh", "-c", "echo \"$A\" 'b' \\ \t\n", ""},
        .directory = "/srv/app",
        .environment = {{"A", "1"}, {"B-c d", "\"x\"\n\xC3\xA4"}, {"PORT", "3000"}},
        .inherits_environment = false,
        .hidden_variables = {"SECRET", ""},
        .number_variable = "N",
        .increment_variable = "PORT",
        .pid_file = "/run/a.pid",
        .instances = 4,
        .starts_by_itself = false,
        .depends_on =
            {{.app = "other"},
             {.app = "third",
              .condition = Dependency::Condition::completed_successfully,
              .restarts_with_it = true}},
        .restart =
            {.when = supervise::RestartWhen::on_failure,
             .stop_exit_codes = {0, 3, 255},
             .max = 0,
             .window = {},
             .delay = 1500ms,
             .delay_max = {},
             .factor = 1.5,
             .jitter = 0,
             .min_uptime = 250us},
        .readiness =
            {.probe =
                 {.kind = Probe::Kind::http,
                  .target = "http://127.0.0.1:3000/a?b=\"c\"",
                  .delay = 1s,
                  .period = 100ms,
                  .timeout = 2s,
                  .failures_max = 7},
             .limit = {}},
        .liveness = {.kind = Probe::Kind::exec, .command = {"true", "a b"}},
        .stop = {.signal = SIGINT, .leader_only = true, .by_message = true, .timeout = 1600ms},
        .logs =
            {.output = "/dev/null",
             .errors = "/srv/app/logs/e-{number}.log",
             .combined = "/var/log/all.log",
             .bytes_max = 0,
             .files_max = 9,
             .age_max = 24h,
             .compress = true,
             .json = true,
             .time_format = "%Y %%"},
        .limits =
            {.memory_bytes = std::uint64_t{500} << 20,
             .open_files = 1024,
             .processes = 64,
             .cpus = 1.5,
             .user = "www",
             .group = "33",
             .umask = 027,
             .nice = -5},
        .reloads_at_once = 2,
        .restart_cron = "0 3 * * *",
        .watched = {"/srv/app", "/srv/app/src", "/etc/app"},
        .unwatched = {".*", "re:\\.swp$", "/srv/app/tmp", "/other/x"},
        .watch_delay = 1s};
}

App plain_app(std::string name) {
    return {.name = std::move(name), .command = {"true"}, .directory = "/srv"};
}

/// The apps after they were written and read again in /srv.
std::vector<App> read_again(const std::vector<App>& apps) {
    const std::string text = write_apps(apps, "/srv");
    const auto config = parse_apps(text);
    EXPECT_TRUE(config) << (config ? "" : config.error().message()) << '\n' << text;
    if (!config) return {};
    const auto again = apps_of(*config, {.config_path = "/srv/tranter.toml"});
    EXPECT_TRUE(again) << (again ? "" : again.error().message());
    return again ? *again : std::vector<App>{};
}

/// As they are once they have been read by apps_of() without an environment and a place for logs.
std::vector<App> completed(std::vector<App> apps) {
    for (App& app : apps)
        appfile::complete(app, {}, "");
    return apps;
}

TEST(AppConfigTest, ReadsBackWhatItHasWritten) {
    std::vector<App> apps{full_app(), plain_app("other"), plain_app("third")};

    EXPECT_EQ(read_again(apps), completed(apps));
}

TEST(AppConfigTest, ReadsBackEachProbe) {
    const std::vector<Probe> probes{
        {},
        {.kind = Probe::Kind::uptime},
        {.kind = Probe::Kind::notify, .period = 5s},
        {.kind = Probe::Kind::ipc},
        {.kind = Probe::Kind::descriptor, .target = "4"},
        {.kind = Probe::Kind::tcp, .target = "[::1]:80", .failures_max = 1},
        {.kind = Probe::Kind::tcp, .target = "127.0.0.1:300{number}"},
        {.kind = Probe::Kind::exec, .command = {"a", "b c"}, .timeout = 10s},
        {.kind = Probe::Kind::log_line, .target = "listening on \\d+ \"x\""},
    };

    for (const Probe& probe : probes) {
        App app = plain_app("a");
        app.readiness.probe = probe;
        app.liveness = probe;
        EXPECT_EQ(read_again({app}), completed({app})) << write_apps({app}, "/srv");
    }
}

TEST(AppConfigTest, WritesPathsRelativeToTheFile) {
    App app = plain_app("a");
    app.directory = "/srv/web";
    app.logs.output = "/srv/web/logs/o.log";
    app.watched = {"/srv/web"};

    EXPECT_EQ(
        write_apps({app}, "/srv"),
        "[apps.a]\ncommand = [\"true\"]\ndirectory = \"web\"\nwatch.paths = [\".\"]\n"
        "logs.output = \"logs/o.log\"\n"
    );
}

TEST(AppConfigTest, ReadsTablesAndShorthands) {
    const auto apps = apps_in(R"(
[apps.db]
command = "postgres -D 'a dir' -p 5432"

[apps.web]
command = ["node", "server.js"]
depends_on = ["db", { app = "db", condition = "started" }]
ready = "ipc"
alive = { tcp = "127.0.0.1:3000", period = "5s", failures = 2 }
stop = { signal = "INT", timeout = "3s" }
limits = { memory = "200MB", umask = "077" }
restart = { when = "on_failure", max = 3, window = "1m" }
)");

    ASSERT_EQ(apps.size(), 2U);
    EXPECT_THAT(apps[0].command, ElementsAre("postgres", "-D", "a dir", "-p", "5432"));
    const AppConfig& web = apps[1];
    EXPECT_EQ(web.depends_on.size(), 2U);
    EXPECT_EQ(web.depends_on[1].condition, Dependency::Condition::started);
    EXPECT_EQ(web.readiness.probe.kind, Probe::Kind::ipc);
    EXPECT_EQ(web.liveness.target, "127.0.0.1:3000");
    EXPECT_EQ(web.liveness.failures_max, 2U);
    EXPECT_EQ(web.stop.signal, SIGINT);
    EXPECT_EQ(web.limits.memory_bytes, 200'000'000U);
    EXPECT_EQ(web.limits.umask, 077);
    EXPECT_EQ(web.restart.max, 3U);
}

TEST(AppConfigTest, SaysWhatIsWrongAndWhere) {
    const std::string start = "[apps.a]\ncommand = \"x\"\n";
    const std::vector<std::pair<std::string, std::string>> cases{
        {"[apps.a]\n",
         "t.toml:1: apps.a: has nothing to run, write command = [\"PROGRAM\"] or role"},
        {start + "role = \"work\"\n", "t.toml:1: apps.a: has both command and role, keep one"},
        {"[apps.a]\nrole = \"wrok\"\n", "t.toml:2: apps.a.role: is \"wrok\" (did you mean work?)"},
        {"[apps.a]\ncommand = []\n", "apps.a.command: is empty, write a program"},
        {"[apps.a]\ncommand = \" \"\n", "apps.a.command: is empty, write a program"},
        {"[apps]\na = 1\n", "apps.a: is a number, write a table [apps.a]"},
        {"[apps.all]\ncommand = \"x\"\n", "apps.all: means every app, use another name"},
        {"[apps.\"a\\nb\"]\ncommand = \"x\"\n", "is no name of an app"},
        {start + "comand = \"x\"\n",
         "t.toml:3: apps.a.comand: unknown key (did you mean command?)"},
        {start + "instances = 0\n", "apps.a.instances: is 0, allowed is 1 to 10000"},
        {start + "restart.delay = 2000\n", "a number without a unit, probably \"2000s\" was meant"},
        {start + "restart.jitter = 2.0\n",
         "restart.jitter: is a number, write a number from 0 to 1"},
        {start + "stop.signal = \"SIGFOO\"\n", "is \"SIGFOO\", write a signal like \"SIGTERM\""},
        {start + "limits.umask = \"999\"\n", "is \"999\", write octal digits like \"027\""},
        {start + "restart.stop_exit_codes = [256]\n", "element 1 is 256, allowed is 0 to 255"},
        {start + "ready = \"soon\"\n", "apps.a.ready: is \"soon\""},
        {start + "ready = 5\n", "write `none`, `uptime`, `notify`, `ipc` or a table like"},
        {start + "ready = { htpp = \"x\" }\n", "has an unknown key htpp (did you mean http?)"},
        {start + "ready = { period = \"5s\" }\n", "has no kind, write one of"},
        {start + "ready = { tcp = \"a:1\", notify = true }\n", "has more than one kind, remove"},
        {start + "ready = { tcp = \"3000\" }\n", "\"tcp\" is \"3000\", write HOST:PORT"},
        {start + "ready = { http = \"localhost\" }\n", "\"http\" is \"localhost\", write a URL"},
        {start + "ready = { descriptor = 1 }\n", "\"descriptor\" is 1, allowed is 3 to"},
        {start + "depends_on = \"b\"\n", "write a list like"},
        {start + "depends_on = [{ ap = \"b\" }]\n", "has an unknown key ap (did you mean app?)"},
        {start + "depends_on = [\"b\"]\n",
         "t.toml:3: apps.a.depends_on: \"b\" is no app of this file"},
        {start + "depends_on = [\"a\"]\n", "a, a"},
        {start + "increment_variable = \"PORT\"\n", "is PORT, which has no whole number"},
        {start + "restart_cron = \"61 * * * *\"\n", "apps.a.restart_cron: "},
        {start + "environment = { \"A=B\" = \"1\" }\n", "\"A=B\" is no name of a variable"},
    };

    for (const auto& [text, error] : cases)
        EXPECT_THAT(app_error(text), HasSubstr(error)) << text;
}

TEST(AppConfigTest, GivesRolesTheTimeThatTheyNeedToEnd) {
    const auto config = parse_apps(R"(
[server]
admin = "127.0.0.1:9325"
[worker]
shutdown_timeout = "1m"
[handlers.short]
exec = ["a"]
[handlers.long]
child = ["a"]
grace = "40s"
[handlers.hook]
http = "https://example.com"

[apps.a]
role = "serve"
[apps.b]
role = "work"
[apps.c]
role = "work"
stop.timeout = "3s"
restart.max = 3
[apps.d]
role = "timers"
[apps.e]
role = "serve"
alive = { tcp = "127.0.0.1:1" }
)");
    ASSERT_TRUE(config) << config.error().message();

    const auto apps = apps_of(*config, {.config_path = "/t.toml"});

    ASSERT_TRUE(apps) << apps.error().message();
    ASSERT_EQ(apps->size(), 5U);
    EXPECT_EQ(handlers_stop_grace(*config), 42s);
    EXPECT_EQ((*apps)[0].stop.timeout, 35s);
    EXPECT_EQ((*apps)[0].liveness.target, "http://127.0.0.1:9325/livez");
    EXPECT_EQ((*apps)[1].stop.timeout, 107s);
    EXPECT_EQ((*apps)[1].liveness.kind, Probe::Kind::none);
    EXPECT_EQ((*apps)[1].restart.max, 0U);
    EXPECT_EQ((*apps)[2].stop.timeout, 3s);
    EXPECT_EQ((*apps)[2].restart.max, 3U);
    EXPECT_EQ((*apps)[3].stop.timeout, 10s);
    EXPECT_EQ((*apps)[4].liveness.kind, Probe::Kind::tcp);
}

TEST(AppConfigTest, CompletesAppsForWhoeverStartsThem) {
    const auto config = parse_apps(R"(
[apps.web]
command = ["node", "server.js"]
directory = "web"
environment = { A = "1" }
logs.output = "o.log"
logs.errors = "/dev/null"
watch = { paths = ["src", "."], ignore = ["*.tmp", "a/b"] }

[apps.worker]
role = "work"
depends_on = ["web"]

[apps.server]
role = "serve"
ready = { tcp = "127.0.0.1:9324" }
)");
    ASSERT_TRUE(config) << config.error().message();

    const auto apps = apps_of(
        *config,
        {.config_path = "/srv/tranter.toml",
         .program = "/usr/bin/tranter",
         .environment = {"A=2", "B=3"},
         .logs_directory = "/logs"}
    );

    ASSERT_TRUE(apps) << apps.error().message();
    ASSERT_EQ(apps->size(), 3U);
    const App& server = (*apps)[0];
    const App& web = (*apps)[1];
    const App& worker = (*apps)[2];
    EXPECT_EQ(web.directory, "/srv/web");
    EXPECT_THAT(web.environment, ElementsAre(std::pair("A", "1"), std::pair("B", "3")));
    EXPECT_EQ(web.logs.output, "/srv/web/o.log");
    EXPECT_EQ(web.logs.errors, "");
    EXPECT_THAT(web.watched, ElementsAre("/srv/web/src", "/srv/web"));
    EXPECT_THAT(web.unwatched, ElementsAre("*.tmp", "/srv/web/a/b"));
    EXPECT_THAT(
        worker.command, ElementsAre("/usr/bin/tranter", "work", "--config", "/srv/tranter.toml")
    );
    EXPECT_EQ(worker.readiness.probe.kind, Probe::Kind::notify);
    EXPECT_EQ(worker.logs.output, "/logs/worker-out.log");
    EXPECT_EQ(worker.directory, "/srv");
    EXPECT_EQ(server.readiness.probe.kind, Probe::Kind::tcp);
}

}  // namespace
}  // namespace tranter::cli
