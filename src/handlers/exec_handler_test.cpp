#include "handlers/exec_handler.hpp"

#include "handlers/test_context.hpp"

#include <tranter/exception.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <memory>
#include <string>

namespace tranter::handlers {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

AttemptOutcome run_shell(std::string script, test::TestRun& run, ExecOptions options = {}) {
    options.command = {"/bin/sh", "-c", std::move(script)};
    return make_exec_handler(options, &test::test_getenv)(run.context());
}

AttemptOutcome run_shell(std::string script, std::string payload = "{}") {
    test::TestRun run(std::move(payload));
    return run_shell(std::move(script), run);
}

TEST(ExecHandler, GivesThePayloadAndTakesJsonAsTheResult) {
    const auto outcome = run_shell("cat", R"({"user":42})");
    ASSERT_TRUE(std::holds_alternative<Completed>(outcome));
    EXPECT_EQ(std::get<Completed>(outcome).result, R"({"user":42})");
}

TEST(ExecHandler, TakesOtherOutputAsText) {
    EXPECT_EQ(std::get<Completed>(run_shell("echo done")).result, R"("done")");
    EXPECT_EQ(std::get<Completed>(run_shell("true")).result, "");
    EXPECT_EQ(std::get<Dead>(run_shell("printf '\\377'")).type, "result");
}

TEST(ExecHandler, FailsOrBuriesByTheExitCode) {
    EXPECT_EQ(std::get<Failed>(run_shell("echo why >&2; exit 1")).text, "exit code 1: why");
    EXPECT_TRUE(std::holds_alternative<Failed>(run_shell("exit 75")));
    EXPECT_EQ(std::get<Dead>(run_shell("echo bad >&2; exit 65")).reason, "exit code 65: bad");
    EXPECT_EQ(std::get<Failed>(run_shell("kill -SEGV $$")).text, "killed by SIGSEGV");
}

TEST(ExecHandler, KeepsTheErrorOutputAsTheLogOfTheJob) {
    test::TestRun run;
    run_shell("echo one >&2; echo two >&2", run);
    EXPECT_EQ(run.lines(), (std::vector<std::string>{"one", "two"}));
}

TEST(ExecHandler, RefusesAResultThatIsTooLarge) {
    EXPECT_EQ(std::get<Dead>(run_shell("head -c 300000 /dev/zero")).type, "result_too_large");
}

TEST(ExecHandler, TellsTheProgramAboutTheJobAndNothingAboutTheWorker) {
    test::TestRun run("{}", "../../bin/sh; touch /tmp/x");
    ExecOptions options;
    options.environment.pass = {"ALLOWED"};
    options.environment.set = {{"MODE", "fast"}};
    const auto outcome = run_shell("env", run, options);
    const std::string& text = std::get<Completed>(outcome).result;
    EXPECT_THAT(text, HasSubstr("TRANTER_JOB_ID=7c8a9a52-6f43-4c1e-9d0f-0f4b7a1c2d3e"));
    EXPECT_THAT(text, HasSubstr("TRANTER_JOB_TYPE=../../bin/sh; touch /tmp/x"));
    EXPECT_THAT(text, HasSubstr("TRANTER_ATTEMPT=1"));
    EXPECT_THAT(text, HasSubstr("ALLOWED=yes"));
    EXPECT_THAT(text, HasSubstr("MODE=fast"));
    EXPECT_THAT(text, Not(HasSubstr("hidden")));
    EXPECT_THAT(text, Not(HasSubstr("TRACE")));
}

TEST(ExecHandler, TellsTheProgramItsTrace) {
    test::TestRun run;
    run.job().options.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    run.job().options.tracestate = "a=b";
    const auto outcome = run_shell("env", run);
    const std::string& text = std::get<Completed>(outcome).result;
    EXPECT_THAT(
        text, HasSubstr("TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    );
    EXPECT_THAT(text, HasSubstr("TRACESTATE=a=b"));
}

TEST(ExecHandler, StopsTheProgramWhenTheJobIsToStop) {
    test::TestRun run;
    run.on_line = [&](const std::string&) {
        run.request_stop(StopReason::cancelled);
    };
    const auto outcome = run_shell("echo ready >&2; sleep 600", run);
    EXPECT_TRUE(std::holds_alternative<Stopped>(outcome));
    test::TestRun other;
    other.on_line = [&](const std::string&) {
        other.request_stop(StopReason::shutdown);
    };
    EXPECT_TRUE(std::holds_alternative<Released>(run_shell("echo ready >&2; sleep 600", other)));
}

TEST(ExecHandler, TakesWhatAProgramSaysToTheRequestToStop) {
    const auto outcome_after = [](StopReason reason, const std::string& answer) {
        test::TestRun run;
        run.on_line = [&run, reason](const std::string&) {
            run.request_stop(reason);
        };
        return run_shell("trap '" + answer + "' TERM; echo ready >&2; sleep 600 & wait", run);
    };
    const std::string done = "echo 7; exit 0";
    EXPECT_EQ(std::get<Completed>(outcome_after(StopReason::shutdown, done)).result, "7");
    EXPECT_EQ(std::get<Completed>(outcome_after(StopReason::cancelled, done)).result, "7");
    const auto dead = outcome_after(StopReason::shutdown, "exit 65");
    EXPECT_EQ(std::get<Dead>(dead).reason, "exit code 65: ready");
    for (const std::string code : {"1", "75", "143"}) {
        const auto outcome = outcome_after(StopReason::shutdown, "exit " + code);
        EXPECT_TRUE(std::holds_alternative<Released>(outcome)) << code;
    }
}

TEST(ExecHandler, KillsWhatLeftItsGroup) {
    auto orphans = std::make_shared<OrphanWatch>(std::chrono::milliseconds(1));
    test::TestRun run;
    // The program ends only after what it leaves behind is in a session of its own.
    const std::string script =
        "exec 3<&0; mkfifo \"$FIFO\"; setsid sh -c 'echo $$ > \"$FIFO\"; exec sleep 600' & "
        "read pid < \"$FIFO\"; rm \"$FIFO\"; echo $pid";
    ExecOptions options{.command = {"/bin/sh", "-c", script}};
    options.environment.set = {
        {"FIFO", testing::TempDir() + "orphan-" + std::to_string(::getpid())}};
    const auto outcome = make_exec_handler(options, &test::test_getenv, orphans)(run.context());
    ASSERT_TRUE(std::holds_alternative<Completed>(outcome));
    const auto pid = static_cast<pid_t>(std::stoi(std::get<Completed>(outcome).result));
    orphans.reset();  // the last sweep
    EXPECT_TRUE(test::has_ended(pid)) << pid;
}

TEST(ExecHandler, KillsWhatLeftItsGroupAndHidesWhereItIsFrom) {
    auto orphans = std::make_shared<OrphanWatch>(std::chrono::milliseconds(1));
    test::TestRun run;
    const std::string script =
        "mkfifo \"$FIFO\"; "
        "env -i setsid sh -c 'echo $$ > \"$1\"; exec sleep 600' sh \"$FIFO\" & "
        "read pid < \"$FIFO\"; rm \"$FIFO\"; echo $pid";
    ExecOptions options{.command = {"/bin/sh", "-c", script}};
    options.environment.set = {
        {"FIFO", testing::TempDir() + "hidden-" + std::to_string(::getpid())}};
    const auto outcome = make_exec_handler(options, &test::test_getenv, orphans)(run.context());
    ASSERT_TRUE(std::holds_alternative<Completed>(outcome));
    const auto pid = static_cast<pid_t>(std::stoi(std::get<Completed>(outcome).result));
    orphans.reset();  // the last sweep
    EXPECT_TRUE(test::has_ended(pid)) << pid;
}

TEST(ExecHandler, SaysWhyAProgramCannotStart) {
    test::TestRun run;
    const auto handler = make_exec_handler({.command = {"/nonexistent"}}, &test::test_getenv);
    const auto outcome = handler(run.context());
    EXPECT_EQ(
        std::get<Failed>(outcome).text, "/nonexistent cannot be started: No such file or directory"
    );
}

TEST(ExecHandler, RefusesToPutAJobIntoACommand) {
    for (const auto* word : {"echo {payload}", "{{payload}}", "run {type}", "{id}"}) {
        EXPECT_THROW(
            (void)make_exec_handler({.command = {"sh", "-c", word}}, &test::test_getenv), Exception
        ) << word;
    }
    EXPECT_THROW((void)make_exec_handler({}, &test::test_getenv), Exception);
}

}  // namespace
}  // namespace tranter::handlers
