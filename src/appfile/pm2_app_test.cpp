#include "appfile/pm2_context.hpp"
#include "appfile/test_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

namespace tranter::appfile {
namespace {

using namespace std::chrono_literals;
using supervise::App;
using supervise::Probe;
using supervise::RestartWhen;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Pm2AppTest : public FolderTest {
  public:
    Pm2AppTest() {
        for (const char* script : {"app.js", "run.sh", "job.py", "plain"})
            put(script, "x\n");
        put("tool", "#!/usr/bin/env bash\n");
        put("runs", "#!/bin/sh\n", 0755);
        put("binary",
            std::string(
                "\x7f"
                "ELF\0\0",
                6
            ),
            0755);
        put("with space.sh", "x\n");
    }
};

TEST_F(Pm2AppTest, HasTheDefaultsOfPm2) {
    const App app = app_of("script: 'app.js'");

    EXPECT_EQ(app.name, "app");
    EXPECT_EQ(app.space, "default");
    EXPECT_EQ(app.directory, folder);
    EXPECT_THAT(app.command, ElementsAre("node", "app.js"));
    EXPECT_EQ(app.instances, 1U);
    EXPECT_TRUE(app.starts_by_itself);
    EXPECT_EQ(app.restart.when, RestartWhen::always);
    EXPECT_EQ(app.restart.max, 16U);
    EXPECT_EQ(app.restart.window, Duration{});
    EXPECT_EQ(app.restart.delay, Duration{});
    EXPECT_EQ(app.restart.delay_max, Duration{});
    EXPECT_EQ(app.restart.min_uptime, 1s);
    EXPECT_EQ(app.stop.signal, SIGINT);
    EXPECT_EQ(app.stop.timeout, 1600ms);
    EXPECT_FALSE(app.stop.leader_only);
    EXPECT_EQ(app.readiness.probe.kind, Probe::Kind::uptime);
    EXPECT_EQ(app.number_variable, "NODE_APP_INSTANCE");
    EXPECT_EQ(app.logs.output, "/logs/app-out.log");
    EXPECT_EQ(app.logs.errors, "/logs/app-error.log");
    EXPECT_EQ(app.logs.combined, "");
    EXPECT_THAT(app.watched, IsEmpty());
    EXPECT_EQ(variable(app, "HOME"), "/home/me");
    EXPECT_THAT(remarks, IsEmpty());
}

TEST_F(Pm2AppTest, FindsOutWhatToRun) {
    const std::string in_bin = folder + "/bin/npm";
    const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
        {"script: './app.js', args: ['-a', 1]", {"node", "app.js", "-a", "1"}},
        {"script: 'app.js', node_args: '--max-old-space-size=200 -r \"a b\"'",
         {"node", "--max-old-space-size=200", "-r", "a b", "app.js"}},
        {"exec: '" + folder + "/app.js'", {"node", folder + "/app.js"}},
        {"script: 'run.sh'", {"bash", "run.sh"}},
        {"script: './run.sh', interpreter: 'bash', args: 'x \"y z\" \\'\\''",
         {"bash", "run.sh", "x", "y z", ""}},
        {"script: 'job.py'", {"python3", "job.py"}},
        {"script: 'plain'", {"node", "plain"}},
        {"script: 'plain', interpreter: 'none'", {"./plain"}},
        {"script: 'tool'", {"/usr/bin/env", "bash", "tool"}},
        {"script: 'runs'", {"./runs"}},
        {"script: 'binary'", {"./binary"}},
        {"script: 'with space.sh'", {"bash", "with space.sh"}},
        {"script: 'npm', args: 'run start -- --port=\"1 2\"'",
         {"npm", "run", "start", "--", "--port=1 2"}},
        {"script: 'npm', interpreter: 'bash'", {"bash", in_bin}},
        {"script: 'npm', interpreter: 'none'", {"npm"}},
        {"script: 'npm run start && echo $X'", {"bash", "-c", "npm run start && echo $X"}},
        {"script: 'npm run', args: ['a b']", {"bash", "-c", "npm run \"$@\"", "bash", "a b"}},
        {"cmd: 'npm run x', interpreter: 'bash'", {"bash", "-c", "npm run x"}},
    };

    for (const auto& [members, command] : cases)
        EXPECT_EQ(app_of(members).command, command) << members;
    EXPECT_EQ(variable(app_of("script: 'job.py'"), "PYTHONUNBUFFERED"), "1");
    EXPECT_EQ(
        variable(app_of("script: 'job.py', env: {PYTHONUNBUFFERED: 0}"), "PYTHONUNBUFFERED"), "0"
    );
}

TEST_F(Pm2AppTest, RefusesAScriptThatIsNotThere) {
    EXPECT_EQ(
        error_of("script: 'nope.js'"),
        "DIR/a.json:1: apps[0].script: is 'nope.js', which is no file in DIR and no program in PATH"
    );
    EXPECT_EQ(
        error_of("script: './nope.js', cwd: '/nowhere'"),
        "DIR/a.json:1: apps[0].script: is './nope.js', which is no file in /nowhere"
    );
    options.converts = true;
    EXPECT_THAT(app_of("script: 'nope.js'").command, ElementsAre("node", "nope.js"));
    EXPECT_THAT(remark_lines(), Contains(HasSubstr("which is no file in")));
}

TEST_F(Pm2AppTest, LooksBesideTheFileAsWell) {
    std::filesystem::create_directory(folder + "/elsewhere");
    options.directory = folder + "/elsewhere";

    const App app = app_of("script: 'app.js'");

    EXPECT_EQ(app.directory, folder + "/elsewhere");
    EXPECT_THAT(app.command, ElementsAre("node", folder + "/app.js"));
}

TEST_F(Pm2AppTest, ReadsTheShapeOfExistingFiles) {
    put("ecosystem.config.cjs", R"(module.exports = {
  apps: [
    { name: "worker", script: "./run.sh", interpreter: "bash", cwd: __dirname, autorestart: true,
      max_restarts: 3, restart_delay: 2000, max_memory_restart: "500M",
      env: { NODE_ENV: "production", PORT: 3000, FLAG: true, LIST: { a: [1] } },
      out_file: "./logs/worker-out.log", error_file: "./logs/worker-error.log" },
    { name: "web", script: "npm", args: "run start", cwd: __dirname, max_restarts: 10 },
  ],
};
)");
    options.path = folder + "/ecosystem.config.cjs";

    const auto loaded = load(options);

    ASSERT_TRUE(loaded) << loaded.error().message();
    ASSERT_EQ(loaded->apps.size(), 2U);
    const App& worker = loaded->apps[0];
    EXPECT_EQ(worker.name, "worker");
    EXPECT_THAT(worker.command, ElementsAre("bash", "run.sh"));
    EXPECT_EQ(worker.directory, folder);
    EXPECT_EQ(worker.restart.max, 3U);
    EXPECT_EQ(worker.restart.delay, 2s);
    EXPECT_EQ(worker.limits.memory_bytes, std::uint64_t{500} << 20);
    EXPECT_EQ(variable(worker, "PORT"), "3000");
    EXPECT_EQ(variable(worker, "FLAG"), "true");
    EXPECT_EQ(variable(worker, "LIST"), "{\"a\":[1]}");
    EXPECT_EQ(worker.logs.output, folder + "/logs/worker-out.log");
    EXPECT_EQ(worker.logs.errors, folder + "/logs/worker-error.log");
    EXPECT_THAT(loaded->apps[1].command, ElementsAre("npm", "run", "start"));
    EXPECT_THAT(loaded->remarks, IsEmpty());
}

TEST_F(Pm2AppTest, ReadsRestartsAndStops) {
    App app = app_of(
        "script: 'app.js', autorestart: false, stop_exit_codes: [0, 3], min_uptime: '10s', "
        "kill_timeout: 5000, shutdown_with_message: true, treekill: false, wait_ready: true, "
        "listen_timeout: 8000, autostart: false, cron_restart: '0 3 * * *', uid: 1000, gid: 'www'"
    );

    EXPECT_EQ(app.restart.when, RestartWhen::never);
    EXPECT_THAT(app.restart.stop_exit_codes, ElementsAre(0, 3));
    EXPECT_EQ(app.restart.min_uptime, 10s);
    EXPECT_EQ(app.stop.timeout, 5s);
    EXPECT_TRUE(app.stop.by_message);
    EXPECT_TRUE(app.stop.leader_only);
    EXPECT_EQ(app.readiness.probe.kind, Probe::Kind::ipc);
    EXPECT_EQ(app.readiness.limit, 8s);
    EXPECT_FALSE(app.starts_by_itself);
    EXPECT_EQ(app.restart_cron, "0 3 * * *");
    EXPECT_EQ(app.limits.user, "1000");
    EXPECT_EQ(app.limits.group, "www");

    app = app_of("script: 'app.js', exp_backoff_restart_delay: 100, restart_delay: 5, cron: 0");
    EXPECT_EQ(app.restart.delay, 100ms);
    EXPECT_EQ(app.restart.delay_max, 15s);
    EXPECT_EQ(app.restart.factor, 1.5);
    EXPECT_EQ(app.restart.jitter, 0);
    EXPECT_EQ(app.restart_cron, "");
    EXPECT_EQ(app_of("script: 'app.js', max_restarts: 0").restart.when, RestartWhen::never);
}

TEST_F(Pm2AppTest, OnlyWhatCanRunTwiceIsReloadedByASecondCopy) {
    EXPECT_EQ(app_of("script: 'app.js'").reloads_at_once, 0U);
    EXPECT_EQ(app_of("script: 'app.js', exec_mode: 'fork', instances: 2").reloads_at_once, 1U);
    EXPECT_EQ(app_of("script: 'app.js', exec_mode: 'cluster'").reloads_at_once, 1U);
}

TEST_F(Pm2AppTest, CountsInstances) {
    const auto processors = app_of("script: 'app.js', instances: 'max'").instances;
    EXPECT_GE(processors, 1U);
    EXPECT_EQ(app_of("script: 'app.js', instances: 0").instances, processors);
    EXPECT_EQ(app_of("script: 'app.js', instances: -9999").instances, 1U);
    EXPECT_EQ(app_of("script: 'app.js', instances: '3'").instances, 3U);
    EXPECT_THAT(remark_lines(), Contains(HasSubstr("there is no cluster mode of node")));
    EXPECT_EQ(app_of("script: 'run.sh', instances: 3").instances, 3U);
    EXPECT_THAT(remarks, IsEmpty());

    const App app = app_of(
        "script: 'run.sh', instances: 2, instance_var: 'N', increment_var: 'PORT', port: 3000, "
        "out_file: 'o.log', error_file: 'e.txt', pid_file: 'p.pid', merge_logs: false"
    );
    EXPECT_EQ(app.number_variable, "N");
    EXPECT_EQ(app.increment_variable, "PORT");
    EXPECT_EQ(variable(app, "PORT"), "3000");
    EXPECT_EQ(app.logs.output, folder + "/o-{number}.log");
    EXPECT_EQ(app.logs.errors, folder + "/e.txt-{number}");
    EXPECT_EQ(app.pid_file, folder + "/p-{number}.pid");
    EXPECT_EQ(
        app_of("script: 'run.sh', name: 'a b', instances: 2").logs.output,
        "/logs/a-b-out-{number}.log"
    );
    EXPECT_EQ(
        app_of("script: 'run.sh', instances: 2, out_file: 'o.log', error_file: 'o.log', "
               "merge_logs: true")
            .logs.output,
        folder + "/o.log"
    );
}

TEST_F(Pm2AppTest, PutsEnvironmentsOverOneAnother) {
    const std::string members =
        "script: 'app.js', env: {A: 1, B: 1, HOME: null}, env_production: {B: 2}";
    EXPECT_EQ(variable(app_of(members), "B"), "1");

    options.environment_name = "production";
    const App app = app_of(members);

    EXPECT_EQ(variable(app, "A"), "1");
    EXPECT_EQ(variable(app, "B"), "2");
    EXPECT_EQ(variable(app, "HOME"), "null");
    EXPECT_EQ(variable(app, "SECRET_KEY"), "s");
    options.environment_name = "staging";
    app_of(members);
    EXPECT_THAT(remark_lines(), Contains(HasSubstr("env_staging")));
}

TEST_F(Pm2AppTest, TellsProgramsWhereTheirSupervisorIs) {
    options.environment.emplace_back("PM2_HOME=/home/me/.pm2");
    EXPECT_EQ(variable(app_of("script: 'app.js'"), "PM2_HOME"), "/home/me/.pm2");
    options.home = "/home/me/.tranter";

    EXPECT_EQ(variable(app_of("script: 'app.js'"), "PM2_HOME"), "/home/me/.tranter");
    EXPECT_THAT(
        remark_lines(),
        Contains("PM2_HOME: is /home/me/.pm2, which is PM2's alone, and /home/me/.tranter for "
                 "these apps: TRANTER_HOME sets it")
    );
    EXPECT_EQ(variable(app_of("script: 'app.js', filter_env: true"), "PM2_HOME"), options.home);
    EXPECT_EQ(variable(app_of("script: 'app.js', env: {PM2_HOME: '/x'}"), "PM2_HOME"), "/x");
    options.environment.back() = "PM2_HOME=" + options.home;
    app_of("script: 'app.js'");
    EXPECT_THAT(remark_lines(), testing::IsEmpty());
}

TEST_F(Pm2AppTest, HidesVariables) {
    EXPECT_EQ(variable(app_of("script: 'app.js', filter_env: ['SECRET']"), "SECRET_KEY"), "(none)");

    const App app = app_of("script: 'npm', filter_env: true, env: {A: 1}");

    EXPECT_EQ(app.environment.size(), 1U);
    EXPECT_THAT(app.command, ElementsAre(folder + "/bin/npm"));
}

TEST_F(Pm2AppTest, OurOwnOutputIsNoFileHoweverManyWriteToIt) {
    const App app = app_of(
        "script: 'app.js', instances: 2, out_file: '/dev/stdout', error_file: '/proc/self/fd/2', "
        "log_file: '/dev/stdout'"
    );

    for (const std::string& path : {app.logs.output, app.logs.errors, app.logs.combined})
        EXPECT_EQ(path, "");
}

TEST_F(Pm2AppTest, WritesOnlyWhatTheFileSays) {
    options.converts = true;

    const App app = app_of("script: 'app.js', env: {A: 1}, error_file: '/dev/null'");

    EXPECT_EQ(app.environment.size(), 1U);
    EXPECT_EQ(app.logs.output, "");
    EXPECT_EQ(app.logs.errors, "/dev/null");
}

TEST_F(Pm2AppTest, ReadsLogs) {
    App app = app_of(
        "script: 'app.js', out: 'NULL', err: '~/e.log', log: true, log_type: 'json', "
        "log_date_format: 'DD.MM.YY hh:mm A [at %] SSS'"
    );
    EXPECT_EQ(app.logs.output, "");
    EXPECT_EQ(app.logs.errors, "/home/me/e.log");
    EXPECT_EQ(app.logs.combined, "/logs/app.log");
    EXPECT_TRUE(app.logs.json);
    EXPECT_EQ(app.logs.time_format, "%d.%m.%y %I:%M %p at %% ");
    EXPECT_THAT(remark_lines(), Contains(HasSubstr("SSS is left out")));

    app = app_of("script: 'app.js', time: true");
    EXPECT_EQ(app.logs.time_format, "%Y-%m-%dT%H:%M:%S");
    app = app_of("script: 'app.js', disable_logs: true, out_file: 'x'");
    EXPECT_EQ(app.logs.output + app.logs.errors + app.logs.combined, "");
}

TEST_F(Pm2AppTest, Watches) {
    App app = app_of("script: 'app.js', watch: true");
    EXPECT_THAT(app.watched, ElementsAre(folder));
    EXPECT_THAT(app.unwatched, ElementsAre(".*", "node_modules"));

    app = app_of(
        "script: 'app.js', watch: ['src', '/etc/x'], watch_delay: 500, "
        "ignore_watch: ['node_modules/', '**/*.log', 'tmp/cache', /\\.swp$/i]"
    );
    EXPECT_THAT(app.watched, ElementsAre(folder + "/src", "/etc/x"));
    EXPECT_THAT(
        app.unwatched, ElementsAre("node_modules", "*.log", folder + "/tmp/cache", "re:\\.swp$")
    );
    EXPECT_EQ(app.watch_delay, 500ms);
    EXPECT_THAT(remark_lines(), Contains(HasSubstr("capitals count")));
    EXPECT_THAT(app_of("script: 'app.js', watch: false, ignore_watch: 5").watched, IsEmpty());
}

TEST_F(Pm2AppTest, RemarksOnKeysItDoesNotUse) {
    app_of("script: 'app.js', max_restart: 5, colour: 1, vizion: false, pmx: true, force: true");

    EXPECT_THAT(
        remark_lines(),
        ElementsAre(
            "apps[0].max_restart: unknown key, the nearest is max_restarts",
            "apps[0].colour: unknown key, which is not read",
            "apps: pmx, vizion: for PM2 only, without meaning here"
        )
    );
}

TEST_F(Pm2AppTest, NamesTheValueThatIsWrong) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "apps[0].script: is missing, write the file or command to run"},
        {"script: 5000",
         "apps[0].script: is '5000', which is no file in DIR and no program in PATH"},
        {"script: []", "apps[0].script: is a list, write text in quotes"},
        {"max_restarts: 'many'",
         "apps[0].max_restarts: is 'many', write a whole number from 0 to 1000000000"},
        {"max_restarts: -1",
         "apps[0].max_restarts: is -1, write a whole number from 0 to 1000000000"},
        {"autorestart: 'sometimes'", "apps[0].autorestart: is 'sometimes', write true or false"},
        {"max_memory_restart: '200X'",
         "apps[0].max_memory_restart: is '200X', write bytes, or a text like \"200M\""},
        {"min_uptime: 'soon'",
         "apps[0].min_uptime: is 'soon', write milliseconds, or a text like \"10s\""},
        {"kill_timeout: -5",
         "apps[0].kill_timeout: is -5, write milliseconds, or a text like \"10s\""},
        {"env: [1]", "apps[0].env: is a list, write an object like { NAME: \"value\" }"},
        {"env: {'A=B': 1}", "apps[0].env.A=B: is no name of a variable"},
        {"exec_mode: 'thread'", "apps[0].exec_mode: is 'thread', write \"fork\" or \"cluster\""},
        {"stop_exit_codes: [999]", "apps[0].stop_exit_codes: is 999, write numbers from 0 to 255"},
        {"log_type: 'xml'", "apps[0].log_type: is 'xml', write \"json\" or \"raw\""},
        {"watch: true, ignore_watch: [{}]",
         "apps[0].ignore_watch: is an object, write texts or regular expressions"},
        {"interpreter: 'node@18'",
         "apps[0].interpreter: names a version for nvm, write a path of node"},
        {"name: 'a\\nb'", "apps[0].name: is 'a\\nb', write 1 to 200 characters, and not all"},
    };

    for (const auto& [members, text] : cases) {
        const bool has_script = members.empty() || members.contains("script:");
        const std::string error = error_of((has_script ? "" : "script: 'app.js', ") + members);
        EXPECT_THAT(error, testing::EndsWith(text)) << members;
    }
}

TEST(StrftimeFormatTest, TranslatesTokens) {
    std::vector<std::string> lost;
    EXPECT_EQ(strftime_format("YYYY-MM-DD HH:mm:ss Z", lost), "%Y-%m-%d %H:%M:%S %z");
    EXPECT_EQ(strftime_format("dddd, D MMMM H:m:s a", lost), "%A, %-d %B %-H:%-M:%-S %P");
    EXPECT_EQ(strftime_format("[YYYY]", lost), "YYYY");
    EXPECT_THAT(lost, IsEmpty());
}

}  // namespace
}  // namespace tranter::appfile
