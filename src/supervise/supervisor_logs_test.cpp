#include "supervise/latest.hpp"
#include "supervise/supervisor.hpp"
#include "supervise/test_supervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::UnorderedElementsAre;

class SupervisorLogsTest : public SupervisorTest {};

TEST_F(SupervisorLogsTest, WhatIsPrintedLastIsInTheLog) {
    App one = app("job", "seq 1 20000; printf 'the end' ; echo sorry >&2");
    one.type = AppType::oneshot;
    start(one);
    wait_for("job", State::completed);

    const auto printed = lines("job.log");

    ASSERT_EQ(printed.size(), 20001U);
    for (std::size_t i = 0; i < 20000; ++i)
        ASSERT_EQ(printed[i], std::to_string(i + 1));
    EXPECT_EQ(printed.back(), "the end");
    EXPECT_EQ(content("job.log").back(), '\n');
    EXPECT_EQ(content("job.err"), "sorry\n");
    EXPECT_EQ(view("job").log_bytes, content("job.log").size() + content("job.err").size());
}

TEST_F(SupervisorLogsTest, WhatIsSaidAtAStopIsInTheLog) {
    start(app("api", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done"));
    wait_for_line("api.log", "up");

    stop("api");

    EXPECT_THAT(lines("api.log"), ElementsAre("up", "bye"));
}

TEST_F(SupervisorLogsTest, ACombinedFileHasBoth) {
    App one = app("job", "echo out; echo err >&2");
    one.type = AppType::oneshot;
    one.instances = 2;
    one.logs.output = path("job-{number}.log");
    one.logs.errors = path("errors/job-{number}.log");
    one.logs.combined = path("all.log");
    start(one);
    wait_for("both", [&] { return times("job", State::completed) == 2; });

    EXPECT_EQ(content("job-0.log"), "out\n");
    EXPECT_EQ(content("job-1.log"), "out\n");
    EXPECT_EQ(content("errors/job-1.log"), "err\n");
    EXPECT_THAT(lines("all.log"), UnorderedElementsAre("out", "out", "err", "err"));
}

TEST_F(SupervisorLogsTest, WhoSharesAFileWritesWholeLines) {
    // In pieces, so that those of others come between.
    App one =
        app("job",
            "for i in $(seq 1 200); do printf aaaaaaaaaa; printf bbbbbbbbbb; echo; "
            "done");
    one.type = AppType::oneshot;
    one.instances = 3;
    one.logs.bytes_max = 2100;
    one.logs.files_max = 100;
    start(one);
    wait_for("all", [&] { return times("job", State::completed) == 3; });

    logs.wait_until_written();
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        const std::string name = file.path().filename();
        if (!name.starts_with("job.log")) continue;
        for (const std::string& line : lines(name)) {
            ASSERT_EQ(line, "aaaaaaaaaabbbbbbbbbb");
            ++count;
        }
    }
    EXPECT_EQ(count, 600U);
}

TEST_F(SupervisorLogsTest, LogsAreEmptiedAndBegunAnew) {
    start(app("api", "trap 'echo again' USR1; echo up; while :; do sleep 0.01; done"));
    wait_for_line("api.log", "up");

    ASSERT_TRUE(supervisor->flush_logs("api"));
    EXPECT_EQ(content("api.log"), "");
    std::filesystem::rename(path("api.log"), path("moved"));
    supervisor->reopen_logs();
    ASSERT_TRUE(supervisor->signal("api", SIGUSR1));
    wait_for_line("api.log", "again");

    EXPECT_EQ(content("moved"), "");
}

TEST_F(SupervisorLogsTest, NothingIsWrittenWhereNothingIsWanted) {
    App one = app("job", "echo one; echo two >&2");
    one.type = AppType::oneshot;
    one.logs.output = "/dev/null";
    one.logs.errors = "";
    start(one);
    wait_for("job", State::completed);

    const auto printed = supervisor->latest_lines({"job", 0});

    EXPECT_THAT(
        printed,
        UnorderedElementsAre(
            AllOf(Field(&OutputLine::text, "one"), Field(&OutputLine::is_errors, false)),
            AllOf(Field(&OutputLine::text, "two"), Field(&OutputLine::is_errors, true))
        )
    );
    EXPECT_EQ(view("job").log_lines_dropped, 0U);
}

TEST_F(SupervisorLogsTest, ItsOwnFilesAreNoChangeOfWhatIsWatched) {
    const auto watching = [this](const std::string& name) {
        App one = app(name, "echo up; exec sleep 1000");
        one.logs.output = path("logs/" + name + "-{number}.log");
        one.logs.bytes_max = 1;
        one.pid_file = path("pids/" + name + ".pid");
        one.watched = {folder};
        one.watch_delay = 1ms;
        return one;
    };
    start(watching("api"));
    start(watching("web"));
    wait_for("both", [&] { return content("logs/web-0.log") + content("logs/api-0.log") != ""; });

    for (int i = 0; i < 3; ++i) {
        const pid_t before = view("api").pid;
        ASSERT_TRUE(supervisor->restart("api", "test"));
        wait_for("another process", [&] {
            return view("api").state == State::ready && view("api").pid != before;
        });
    }
    wait_for("rotation", [&] { return content("logs/api-0.log.1") != ""; });
    const auto watched = [](const Event& event) {
        return event.kind == Event::Kind::watch;
    };
    const auto told_of = [&](const std::string& name) {
        return find_event([&](const Event& event) {
            return watched(event) && event.cause == path(name);
        });
    };
    // What comes after everything else is told, and nothing else was.
    write("main.js", "changed");
    wait_for("the change", [&] { return told_of("main.js") != nullptr; });

    EXPECT_EQ(told_of("main.js"), find_event(watched)) << find_event(watched)->cause;
}

TEST_F(SupervisorLogsTest, APidFileThatHangsTakesUpOneThreadHoweverOftenItsAppStarts) {
    std::promise<void> answer;
    logs.work().post(
        logs.work().lane_of(path("api.pid")),
        [answered = answer.get_future().share()](const auto&) { answered.wait(); }
    );
    App one = app("api", "exec sleep 1000");
    one.pid_file = path("api.pid");
    start(one);
    wait_for("api", State::ready);
    for (std::ptrdiff_t ready = 2; ready <= 4; ++ready) {
        ::kill(view("api").pid, SIGKILL);
        wait_for("another process", [&] { return times("api", State::ready) == ready; });
    }

    EXPECT_LE(logs.work().threads(), 2U);
    EXPECT_FALSE(std::filesystem::exists(path("api.pid")));
    answer.set_value();

    EXPECT_EQ(content("api.pid"), std::to_string(view("api").pid) + "\n");
}

TEST_F(SupervisorLogsTest, WhatIsWantedOfALogMayChange) {
    App one = app("api", "echo up; exec sleep 1000");
    start(one);
    wait_for_line("api.log", "up");
    one.logs.bytes_max = 1;
    put(one);

    ASSERT_TRUE(supervisor->restart("api", "test"));

    wait_for_line("api.log.1", "up");
}

TEST_F(SupervisorLogsTest, LinesAreToldAndTheLatestKept) {
    std::vector<OutputLine> told_lines;
    supervisor->on_line([&](const OutputLine& line) { told_lines.push_back(line); });
    App one = app("job", "seq 1 500");
    one.type = AppType::oneshot;
    one.logs.json = true;
    start(one);
    wait_for("job", State::completed);

    const auto latest = supervisor->latest_lines({"job", 0});

    ASSERT_EQ(told_lines.size(), 500U);
    ASSERT_EQ(latest.size(), 100U);
    EXPECT_EQ(latest.back().text, lines("job.log").back());
    EXPECT_EQ(latest.front().text, told_lines[400].text);
    EXPECT_EQ(told_lines.back().id, (InstanceId{"job", 0}));
    // By which those who ask for both know what they have seen.
    EXPECT_EQ(told_lines.back().at, latest.back().at);
    EXPECT_TRUE(supervisor->latest_lines({"job", 7}).empty());
}

TEST_F(SupervisorLogsTest, ALineOfTheLogMakesItReady) {
    App one = app("api", "echo starting; sleep 0.02; echo listening on 80; exec sleep 1000");
    one.readiness.probe = {.kind = Probe::Kind::log_line, .target = "listening on [0-9]+"};
    one.logs.json = true;

    start(one);
    wait_for("api", State::ready);

    EXPECT_EQ(lines("api.log").size(), 2U);
}

TEST_F(SupervisorLogsTest, WhoPrintsWithoutEndHoldsUpNobody) {
    App loud = app("loud", "exec yes 'a line that is printed again and again'");
    loud.logs.bytes_max = 1 << 20;
    loud.logs.files_max = 1;
    start(loud);
    wait_for("much text", [&] { return view("loud").log_bytes > (std::uint64_t{32} << 20); });
    const std::size_t memory = ::mallinfo2().uordblks;

    App job = app("job", "echo done");
    job.type = AppType::oneshot;
    start(job);
    wait_for("job", State::completed);
    wait_for("more text", [&] { return view("loud").log_bytes > (std::uint64_t{64} << 20); });

    EXPECT_EQ(content("job.log"), "done\n");
    EXPECT_LT(::mallinfo2().uordblks, memory + (std::size_t{16} << 20));
    EXPECT_LE(supervisor->latest_lines({"loud", 0}).size(), 100U);
    stop("loud");
}

TEST(LatestTest, EventsAreNumberedAndAThousandKept) {
    EventRing ring;

    for (int i = 0; i < 1200; ++i)
        ring.add({.cause = std::to_string(i)});

    EXPECT_EQ(ring.after(0).size(), 1000U);
    EXPECT_EQ(ring.after(0).front().number, 201U);
    EXPECT_EQ(ring.after(0).front().cause, "200");
    ASSERT_EQ(ring.after(1199).size(), 1U);
    EXPECT_EQ(ring.after(1199).front().number, 1200U);
    EXPECT_TRUE(ring.after(1200).empty());
}

TEST(LatestTest, LongLinesPushOutMore) {
    LineRing ring;
    const std::string half(std::size_t{33} << 10, 'x');

    ring.add("small\n" + half + "\n" + half + "\n", false, {});
    EXPECT_EQ(ring.lines({}).size(), 1U);
    ring.add(std::string(std::size_t{100} << 10, 'y') + "\n", true, {});

    ASSERT_EQ(ring.lines({}).size(), 1U);
    EXPECT_EQ(ring.lines({}).front().text.size(), std::size_t{100} << 10);
    ring.add("\n\n", false, {});
    EXPECT_THAT(
        ring.lines({}), ElementsAre(Field(&OutputLine::text, ""), Field(&OutputLine::text, ""))
    );
}

}  // namespace
}  // namespace tranter::supervise
