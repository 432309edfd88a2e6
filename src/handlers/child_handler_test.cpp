#include "handlers/child_handler.hpp"

#include "handlers/child_message.hpp"
#include "handlers/test_context.hpp"
#include "process/orphans.hpp"

#include <tranter/exception.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
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

TEST(ChildHandler, IsDoneWithAJobOnceTheProcessThatItKilledIsGone) {
    auto options = python(
        "    held = bytearray(200_000_000)\n"
        "    say(message='log', line=str(os.getpid()))\n"
        "    time.sleep(600)"
    );
    options.grace = 50ms;
    test::TestRun run;
    Descriptor process;
    run.on_line = [&](const std::string& line) {
        const auto pid = static_cast<pid_t>(std::stoi(line));
        process = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        run.request_stop(StopReason::timeout);
    };
    const auto handler = make_child_handler(options, &test::test_getenv);
    (void)handler(run.context());
    pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&ended, 1, 0), 1);
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

TEST(ChildHandler, KeepsAStepBeforeItSaysSo) {
    test::TestRun run;
    const auto outcome = run_once(
        "    say(message='step', id=job['id'], name='charge', result=7)\n"
        "    result(job, result=json.loads(sys.stdin.readline()))",
        run
    );
    EXPECT_EQ(
        std::get<Completed>(outcome).result,
        R"({"message":"step","id":"7c8a9a52-6f43-4c1e-9d0f-0f4b7a1c2d3e","name":"charge"})"
    );
    ASSERT_EQ(run.job().steps.size(), 1U);
    EXPECT_EQ(run.job().steps[0].name, "charge");
    EXPECT_EQ(run.job().steps[0].result, "7");
}

TEST(ChildHandler, GivesTheStepsOfEarlierAttempts) {
    test::TestRun run;
    run.job().steps = {{.name = "charge", .result = R"({"id":7})"}};
    const auto outcome = run_once("    result(job, result=job['steps'])", run);
    EXPECT_EQ(std::get<Completed>(outcome).result, R"({"charge":{"id":7}})");
}

TEST(ChildHandler, SaysWhyAStepWasNotKept) {
    test::TestRun run;
    run.can_save = false;
    const auto outcome = run_once(
        "    say(message='step', name='charge', result=7)\n"
        "    result(job, result=json.loads(sys.stdin.readline())['error'])",
        run
    );
    EXPECT_EQ(
        std::get<Completed>(outcome).result, R"({"type":"conflict","text":"the lease is over"})"
    );
}

TEST(ChildHandler, KeepsNoStepOfAnotherJob) {
    test::TestRun run;
    const auto outcome = run_once(
        "    say(message='step', id='other', name='charge', result=7)\n"
        "    result(job, result=json.loads(sys.stdin.readline())['error']['type'])",
        run
    );
    EXPECT_EQ(std::get<Completed>(outcome).result, R"("conflict")");
    EXPECT_TRUE(run.job().steps.empty());
}

TEST(ChildHandler, FailsTheAttemptOnAMessageThatIsTooLong) {
    const auto outcome = run_once("    result(job, result='x' * 400_000)");
    EXPECT_EQ(std::get<Failed>(outcome).type, "protocol");
    EXPECT_THAT(std::get<Failed>(outcome).text, HasSubstr("a message of more than 327680 bytes"));
}

TEST(ChildHandler, CutsOffPrintedLinesThatAreTooLong) {
    test::TestRun run;
    const auto outcome = run_once("    print('x' * 1_000_000)\n    result(job)", run);
    EXPECT_TRUE(std::holds_alternative<Completed>(outcome));
    EXPECT_EQ(run.lines(), (std::vector<std::string>{std::string(8192, 'x') + " [cut off]"}));
}

TEST(ChildHandler, OutlivesALineThatNeverEnds) {
    auto options = python("    while True: sys.stdout.write('x' * 100_000)");
    options.grace = 50ms;
    test::TestRun run;
    run.on_line = [&](const std::string&) {
        run.request_stop(StopReason::timeout);
    };
    const auto outcome = make_child_handler(options, &test::test_getenv)(run.context());
    EXPECT_EQ(std::get<Failed>(outcome).type, "timeout");
    EXPECT_EQ(run.lines().size(), 1U);
}

TEST(ChildHandler, FailsTheAttemptWhenTheProcessCanAnswerNoMore) {
    auto options = python("    os.close(1)\n    time.sleep(600)");
    options.grace = 50ms;
    test::TestRun run;
    const auto outcome = make_child_handler(options, &test::test_getenv)(run.context());
    EXPECT_EQ(std::get<Failed>(outcome).type, "protocol");
}

TEST(ChildHandler, OutlivesAProcessThatDoesNotReadItsJob) {
    test::TestRun run("\"" + std::string(1'000'000, 'x') + "\"");
    run.on_line = [&](const std::string&) {
        run.request_stop(StopReason::timeout);
    };
    const auto handler = make_child_handler(
        {.command = {"/bin/sh", "-c", "echo begun; exec sleep 600"}, .grace = 50ms},
        &test::test_getenv
    );
    EXPECT_EQ(std::get<Failed>(handler(run.context())).type, "timeout");
}

TEST(ChildHandler, ReplacesAProcessThatAnswersBeforeItHasReadItsJob) {
    const auto handler = make_child_handler(
        {.command =
             {"/bin/sh",
              "-c",
              R"(echo "{\"message\":\"result\",\"outcome\":\"completed\",\"result\":$$}"; )"
              "exec sleep 600"},
         .grace = 0ms},
        &test::test_getenv
    );
    test::TestRun run("\"" + std::string(1'000'000, 'x') + "\"");
    const auto first = handler(run.context());
    const auto second = handler(run.context());
    EXPECT_NE(std::get<Completed>(first).result, std::get<Completed>(second).result);
}

TEST(ChildHandler, TakesTheFirstAnswerAndNoneForOtherJobs) {
    const auto handler = make_child_handler(
        python("    say(message='result', id='other', outcome='dead', reason='no')\n"
               "    result(job, result=job['attempt'])\n"
               "    result(job, result='again')\n"
               "    result(job, 'dead', reason='no')"),
        &test::test_getenv
    );
    for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
        test::TestRun run;
        run.job().id = "job-" + std::to_string(attempt);
        run.job().attempt = attempt;
        const auto outcome = handler(run.context());
        EXPECT_EQ(std::get<Completed>(outcome).result, std::to_string(attempt));
        EXPECT_TRUE(run.lines().empty());
    }
}

TEST(ChildHandler, TellsItsProcessesHowToTalk) {
    auto options = python(
        "    names = ['TRANTER_PROTOCOL', 'TRANTER_HEARTBEAT_MS', 'TRANTER_JOB_ID']\n"
        "    result(job, result=[os.environ.get(name) for name in names])"
    );
    options.heartbeat_timeout = 30s;
    test::TestRun run;
    const auto outcome = make_child_handler(options, &test::test_getenv)(run.context());
    EXPECT_EQ(std::get<Completed>(outcome).result, R"(["1","10000",null])");
}

TEST(ChildHandler, FailsTheAttemptOnAnotherProtocol) {
    const auto outcome = run_once("    say(message='ready', protocol=2)\n    result(job)");
    EXPECT_EQ(std::get<Failed>(outcome).type, "protocol");
    EXPECT_THAT(std::get<Failed>(outcome).text, HasSubstr("is 2, this worker speaks 1"));
}

TEST(ChildHandler, RestsBeforeItStartsWhatEndsAtOnceAgain) {
    const std::string path = testing::TempDir() + "starts-" + std::to_string(::getpid());
    std::filesystem::remove(path);
    const auto handler = make_child_handler(
        {.command = {"/bin/sh", "-c", "echo started >> " + path + "; exit 1"}}, &test::test_getenv
    );
    test::TestRun run;
    EXPECT_EQ(std::get<Failed>(handler(run.context())).type, "handler_died");
    EXPECT_EQ(std::get<Failed>(handler(run.context())).type, "handler_died");
    run.request_stop(StopReason::shutdown);
    EXPECT_TRUE(std::holds_alternative<Released>(handler(run.context())));
    EXPECT_EQ(std::filesystem::file_size(path), std::string("started\nstarted\n").size());
    std::filesystem::remove(path);
}

TEST(ChildHandler, DoesNotLetAJobWaitForTheEndOfTheProcessThatDidIt) {
    const std::string path = testing::TempDir() + "retired-" + std::to_string(::getpid());
    std::filesystem::remove(path);
    auto options = python("    result(job)");
    options.command.back() += "while not os.path.exists('" + path + "'): time.sleep(0.01)\n" +
                              "os.unlink('" + path + "')\n";
    options.jobs_max = 1;
    options.grace = 20s;
    {
        const auto handler = make_child_handler(options, &test::test_getenv);
        test::TestRun run;
        EXPECT_TRUE(std::holds_alternative<Completed>(handler(run.context())));
        std::ofstream(path) << "now";
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ChildHandler, KillsWhatLeftTheGroupsOfItsProcesses) {
    auto orphans = std::make_shared<OrphanWatch>(std::chrono::milliseconds(1));
    test::TestRun run;
    const auto outcome = make_child_handler(
        python("    import subprocess\n"
               "    left = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
               "    result(job, result=left.pid)"),
        &test::test_getenv,
        orphans
    )(run.context());
    const auto pid = static_cast<pid_t>(std::stoi(std::get<Completed>(outcome).result));
    orphans.reset();  // the last sweep
    EXPECT_TRUE(test::has_ended(pid)) << pid;
}

TEST(ChildHandler, WaitsItselfForAProcessThatEndedWithoutAJob) {
    auto orphans = std::make_shared<OrphanWatch>(std::chrono::milliseconds(1));
    const auto handler = make_child_handler(
        python("    result(job, result=os.getpid())"), &test::test_getenv, orphans
    );
    test::TestRun run;
    const auto outcome = handler(run.context());
    const auto pid = static_cast<pid_t>(std::stoi(std::get<Completed>(outcome).result));
    const auto is_zombie = [pid] {
        const auto zombies = process::list_zombies();
        return std::ranges::find(zombies, pid) != zombies.end();
    };
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    ASSERT_TRUE(test::has_ended(pid));

    for (int sweep = 0; sweep < 10; ++sweep) {
        const OrphanWatch::Watched other(orphans.get(), "other");
        std::this_thread::sleep_for(5ms);
    }

    // Until then nobody else can have its number.
    EXPECT_TRUE(is_zombie());
    EXPECT_TRUE(std::holds_alternative<Completed>(handler(run.context())));
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

TEST(ChildMessage, RefusesWhatWasMeantAsAMessageAndIsNone) {
    for (const auto* line :
         {R"({"message":"result","outcome":"completed","result":"\ud800"})",
          R"({ "message" : "result", "outcome": "completed")",
          R"({"message":"log","line":1})",
          R"({"message":"step","name":"a","result":nan})",
          R"({"message":"result","outcome":"snoozed","after":"soon"})",
          R"({"message":"result","outcome":"snoozed"})"}) {
        EXPECT_FALSE(parse_child_message(line)) << line;
    }
}

}  // namespace
}  // namespace tranter::handlers
