#include "handlers/child_handler.hpp"

#include "handlers/child_message.hpp"
#include "handlers/test_context.hpp"

#include <tranter/exception.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace tranter::handlers {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

/// A handler in Python: `body` is called as do(job) and returns what it says.
ChildOptions python(const std::string& body) {
    return {
        .command = {"python3", "-u", "-c", R"(
import json, os, sys, time
def say(**fields):
    print(json.dumps(fields), flush=True)
def result(job, outcome="completed", **fields):
    say(message="result", id=job["id"], outcome=outcome, **fields)
def do(job):
)" + body + R"(
say(message="ready")
for line in sys.stdin:
    message = json.loads(line)
    if message["message"] == "job":
        do(message)
)"},
        .grace = 1s};
}

AttemptOutcome run_once(const std::string& body, test::TestRun& run) {
    return make_child_handler(python(body), &test::test_getenv)(run.context());
}

AttemptOutcome run_once(const std::string& body) {
    test::TestRun run;
    return run_once(body, run);
}

TEST(ChildHandler, GivesTheJobAndTakesTheResult) {
    test::TestRun run(R"({"n":20})");
    const auto outcome = run_once("    result(job, result={'n': job['payload']['n'] + 1})", run);
    ASSERT_TRUE(std::holds_alternative<Completed>(outcome));
    EXPECT_EQ(std::get<Completed>(outcome).result, R"({"n":21})");
}

TEST(ChildHandler, KeepsItsProcessForTheNextJob) {
    const auto handler =
        make_child_handler(python("    result(job, result=os.getpid())"), &test::test_getenv);
    test::TestRun run;
    const auto first = handler(run.context());
    const auto second = handler(run.context());
    EXPECT_EQ(std::get<Completed>(first).result, std::get<Completed>(second).result);
}

TEST(ChildHandler, ReplacesAProcessThatHasDoneItsShare) {
    auto options = python("    result(job, result=os.getpid())");
    options.jobs_max = 1;
    const auto handler = make_child_handler(options, &test::test_getenv);
    test::TestRun run;
    const auto first = handler(run.context());
    const auto second = handler(run.context());
    EXPECT_NE(std::get<Completed>(first).result, std::get<Completed>(second).result);
}

TEST(ChildHandler, ReplacesAProcessThatHoldsTooMuchMemory) {
    auto options = python("    result(job, result=os.getpid())");
    options.memory_max = 1;
    const auto handler = make_child_handler(options, &test::test_getenv);
    test::TestRun run;
    const auto first = handler(run.context());
    const auto second = handler(run.context());
    EXPECT_NE(std::get<Completed>(first).result, std::get<Completed>(second).result);
}

TEST(ChildHandler, TakesEveryOutcome) {
    const auto failed = run_once(
        "    result(job, 'failed', error={'type': 'Timeout', 'text': 'slow'}, retry_after='5s')"
    );
    EXPECT_EQ(std::get<Failed>(failed).type, "Timeout");
    EXPECT_EQ(std::get<Failed>(failed).text, "slow");
    EXPECT_EQ(std::get<Failed>(failed).retry_after, 5s);
    EXPECT_EQ(std::get<Dead>(run_once("    result(job, 'dead', reason='no')")).reason, "no");
    EXPECT_EQ(std::get<Snoozed>(run_once("    result(job, 'snoozed', after='1m')")).after, 1min);
    EXPECT_TRUE(std::holds_alternative<Released>(run_once("    result(job, 'released')")));
    EXPECT_TRUE(std::holds_alternative<Stopped>(run_once("    result(job, 'cancelled')")));
}

TEST(ChildHandler, KeepsLogProgressAndWhatIsPrinted) {
    test::TestRun run;
    run_once(
        "    say(message='log', line='working')\n"
        "    print('printed')\n"
        "    say(message='progress', progress={'done': 3})\n"
        "    result(job)",
        run
    );
    EXPECT_EQ(run.lines(), (std::vector<std::string>{"working", "printed"}));
    EXPECT_EQ(run.progress(), R"({"done":3})");
}

TEST(ChildHandler, FailsTheAttemptWhenTheProcessDiesAndStartsAnother) {
    const auto handler = make_child_handler(
        python("    if job['attempt'] == 1:\n"
               "        print('out of luck', file=sys.stderr)\n"
               "        os.kill(os.getpid(), 9)\n"
               "    result(job, result='alive')"),
        &test::test_getenv
    );
    test::TestRun first;
    const auto died = handler(first.context());
    EXPECT_EQ(std::get<Failed>(died).type, "handler_died");
    EXPECT_EQ(
        std::get<Failed>(died).text, "the handler process was killed by SIGKILL: out of luck"
    );
    test::TestRun second;
    second.job().attempt = 2;
    EXPECT_EQ(std::get<Completed>(handler(second.context())).result, R"("alive")");
}

TEST(ChildHandler, FailsTheAttemptOnAMessageThatCannotBeRead) {
    const auto outcome = run_once("    result(job, 'wonderful')");
    EXPECT_EQ(std::get<Failed>(outcome).type, "protocol");
    EXPECT_THAT(std::get<Failed>(outcome).text, HasSubstr("\"wonderful\" is none of completed"));
}

TEST(ChildHandler, KillsAProcessThatSaysNothing) {
    auto options = python("    time.sleep(600)");
    options.heartbeat_timeout = 200ms;
    test::TestRun run;
    const auto outcome = make_child_handler(options, &test::test_getenv)(run.context());
    EXPECT_EQ(std::get<Failed>(outcome).type, "stuck");
}

TEST(ChildHandler, TellsTheProcessToStopAndKillsItWhenItDoesNot) {
    auto options = python("    say(message='log', line='begun')\n    time.sleep(600)");
    options.grace = 50ms;
    test::TestRun run;
    run.on_line = [&](const std::string&) {
        run.request_stop(StopReason::cancelled);
    };
    const auto outcome = make_child_handler(options, &test::test_getenv)(run.context());
    EXPECT_TRUE(std::holds_alternative<Stopped>(outcome));
}

TEST(ChildHandler, TakesWhatAProcessSaysToTheRequestToStop) {
    test::TestRun run;
    run.on_line = [&](const std::string&) {
        run.request_stop(StopReason::timeout);
    };
    const auto outcome = run_once(
        "    say(message='log', line='begun')\n"
        "    stop = json.loads(sys.stdin.readline())\n"
        "    result(job, 'dead', reason=stop['message'] + ' ' + stop['reason'])",
        run
    );
    EXPECT_EQ(std::get<Dead>(outcome).reason, "stop timeout");
}

TEST(ChildHandler, MovesLargePayloadsAndResults) {
    test::TestRun run("\"" + std::string(200'000, 'x') + "\"");
    const auto outcome = run_once("    result(job, result=job['payload'])", run);
    EXPECT_EQ(std::get<Completed>(outcome).result, run.job().payload);
}

TEST(ChildHandler, WaitsForAProcessThatIsFree) {
    auto options = python("    result(job, result=os.getpid())");
    options.processes = 2;
    const auto handler = make_child_handler(options, &test::test_getenv);
    std::vector<std::thread> threads;
    std::atomic<int> completed = 0;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int job = 0; job < 20; ++job) {
                test::TestRun run;
                if (std::holds_alternative<Completed>(handler(run.context()))) ++completed;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(completed, 160);
}

TEST(ChildHandler, RefusesWhatCannotBeAPool) {
    EXPECT_THROW((void)make_child_handler({}, &test::test_getenv), Exception);
    EXPECT_THROW(
        (void)make_child_handler({.command = {"true"}, .processes = 0}, &test::test_getenv),
        Exception
    );
}

TEST(ChildMessage, TakesLinesThatAreNoneOfOursAsText) {
    for (const auto* line :
         {"", "hello", "{", "{\"a\":1}", "{\"message\":\"other\"}", "{\"message\":1}"}) {
        const auto message = parse_child_message(line);
        ASSERT_TRUE(message) << line;
        EXPECT_EQ(message->kind, ChildMessage::Kind::text) << line;
        EXPECT_EQ(message->text, line);
    }
}

}  // namespace
}  // namespace tranter::handlers
