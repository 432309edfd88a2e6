#include "process/run.hpp"
#include "supervise/log_file.hpp"
#include "supervise/log_writer.hpp"
#include "supervise/output_lines.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;

class AppLogTest : public ::testing::Test {
  public:
    AppLogTest() {
        std::string pattern = "/tmp/tranter-log-XXXXXX";
        folder = ::mkdtemp(pattern.data());
    }
    ~AppLogTest() override { std::filesystem::remove_all(folder); }

    std::string path(std::string_view name = "api.log") const {
        return folder + "/" + std::string(name);
    }
    std::string content(std::string_view name = "api.log") const {
        std::ifstream file(path(name));
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::string folder;
    Instant now = Instant(1h);
};

TEST_F(AppLogTest, MakesItsFolderAndAppends) {
    LogFile file({.path = path("a/b/api.log")});

    ASSERT_TRUE(file.append("one\n", now));
    ASSERT_TRUE(file.append("two\n", now));

    EXPECT_EQ(content("a/b/api.log"), "one\ntwo\n");
}

TEST_F(AppLogTest, RotatesBySizeAndKeepsSoMany) {
    LogFile file({.path = path(), .bytes_max = 8, .files_max = 2});

    for (const char* line : {"one\n", "two\n", "three\n", "four\n", "five\n"})
        ASSERT_TRUE(file.append(line, now));

    EXPECT_EQ(content(), "five\n");
    EXPECT_EQ(content("api.log.1"), "four\n");
    EXPECT_EQ(content("api.log.2"), "three\n");
    EXPECT_FALSE(std::filesystem::exists(path("api.log.3")));
}

TEST_F(AppLogTest, WhatCannotBeRotatedIsWrittenToAllTheSame) {
    std::filesystem::create_directories(path("api.log.1/full"));
    LogFile file({.path = path(), .bytes_max = 8, .files_max = 1});

    for (const char* line : {"one\n", "two\n", "three\n", "four\n", "five\n"})
        ASSERT_TRUE(file.append(line, now));

    EXPECT_EQ(content(), "one\ntwo\nthree\nfour\nfive\n");
}

TEST_F(AppLogTest, RotatesByAge) {
    LogFile file({.path = path(), .age_max = 1h});
    ASSERT_TRUE(file.append("one\n", now));
    ASSERT_TRUE(file.append("two\n", now + 59min));

    ASSERT_TRUE(file.append("three\n", now + 1h));

    EXPECT_EQ(content(), "three\n");
    EXPECT_EQ(content("api.log.1"), "one\ntwo\n");
}

TEST_F(AppLogTest, CompressesWhatWasRotated) {
    LogFile file({.path = path(), .bytes_max = 8, .files_max = 2, .compress = true});
    // As from a time when nothing was compressed.
    ASSERT_TRUE(LogFile({.path = path("api.log.1")}).append("zero\n", now));

    for (const char* line : {"one\n", "two\n", "three\n", "four\n"})
        ASSERT_TRUE(file.append(line, now));

    EXPECT_EQ(content(), "four\n");
    for (const char* name : {"api.log.1", "api.log.2", "api.log.3.gz"})
        EXPECT_FALSE(std::filesystem::exists(path(name))) << name;
    const auto unpacked = process::run(
        {.program = {.command = {"gzip", "-dc", path("api.log.1.gz"), path("api.log.2.gz")}}}
    );
    ASSERT_TRUE(unpacked);
    EXPECT_EQ(unpacked->output, "three\none\ntwo\n");
    ASSERT_TRUE(file.flush());
    EXPECT_FALSE(std::filesystem::exists(path("api.log.1.gz")));
}

TEST_F(AppLogTest, GoesOnWithTheFileThatIsThere) {
    ASSERT_TRUE(LogFile({.path = path(), .bytes_max = 10}).append("before\n", now));
    LogFile file({.path = path(), .bytes_max = 10});

    ASSERT_TRUE(file.append("after\n", now));

    EXPECT_EQ(content("api.log.1"), "before\n");
    EXPECT_EQ(content(), "after\n");
}

TEST_F(AppLogTest, WritesANewFileWhenTheOldOneWasMovedAway) {
    LogFile file({.path = path()});
    ASSERT_TRUE(file.append("one\n", now));
    std::filesystem::rename(path(), path("moved"));

    file.reopen();
    ASSERT_TRUE(file.append("two\n", now));

    EXPECT_EQ(content(), "two\n");
    EXPECT_EQ(content("moved"), "one\n");
}

TEST_F(AppLogTest, SaysWhichFileCannotBeWritten) {
    LogFile file({.path = folder});

    const auto done = file.append("one\n", now);

    ASSERT_FALSE(done);
    EXPECT_NE(done.error().message().find(folder), std::string::npos);
}

TEST_F(AppLogTest, AFlushEmptiesAllOfThem) {
    LogFile file({.path = path(), .bytes_max = 4});
    ASSERT_TRUE(file.append("one\n", now));
    ASSERT_TRUE(file.append("two\n", now));

    ASSERT_TRUE(file.flush());
    ASSERT_TRUE(file.append("three\n", now));

    EXPECT_EQ(content(), "three\n");
    EXPECT_FALSE(std::filesystem::exists(path("api.log.1")));
}

/// Hangs in the first line that it writes after `old`: what compresses does not end.
LogFile::Options hanging_log(const AppLogTest& test) {
    return {
        .path = test.path(),
        .bytes_max = 1,
        .compress = true,
        .compressor = {"/bin/sh", "-c", "touch " + test.path("hangs") + "; exec sleep 1000"}};
}

void wait_for_file(const std::string& path) {
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (!std::filesystem::exists(path)) {
        ASSERT_LT(std::chrono::steady_clock::now(), limit) << path;
        constexpr int moment_millis = 2;
        ::poll(nullptr, 0, moment_millis);
    }
}

TEST_F(AppLogTest, AFileThatHangsHoldsUpNoOther) {
    const SteadyClock clock;
    LogWriter writer({.clock = clock, .waiting_bytes_max = 20, .work = {.patience = {}}});
    const auto hangs = writer.open(hanging_log(*this));
    writer.write(hangs, "one\n");
    writer.wait_until_written();
    writer.write(hangs, "two\n");
    wait_for_file(path("hangs"));

    for (int i = 0; i < 10; ++i)
        writer.write(hangs, "ten bytes\n");
    const auto good = writer.open({.path = path("other.log")});
    writer.write(good, "fine\n");
    wait_for_file(path("other.log"));

    EXPECT_EQ(writer.dropped(hangs), 9U);
    EXPECT_EQ(writer.dropped(good), 0U);
}

TEST_F(AppLogTest, WhatCompressesIsKilledAtTheEnd) {
    const SteadyClock clock;
    {
        LogWriter writer({.clock = clock, .work = {.end_patience = 60s}});
        const auto hangs = writer.open(hanging_log(*this));
        writer.write(hangs, "one\n");
        writer.write(hangs, "two\n");
        wait_for_file(path("hangs"));
        writer.write(hangs, "three\n");
    }

    EXPECT_EQ(content("api.log"), "three\n");
    EXPECT_EQ(content("api.log.1"), "two\n");
    EXPECT_EQ(content("api.log.2"), "one\n");
}

TEST_F(AppLogTest, AFlushIsDoneHoweverMuchWaits) {
    const SteadyClock clock;
    {
        LogWriter writer({.clock = clock, .waiting_bytes_max = 20, .work = {.end_patience = 60s}});
        const auto hangs = writer.open(hanging_log(*this));
        writer.write(hangs, "one\n");
        writer.write(hangs, "two\n");
        wait_for_file(path("hangs"));
        writer.write(hangs, "ten bytes\n");
        writer.write(hangs, "dropped, too much\n");
        // What is said of it makes it more than may wait.
        writer.write(hangs, "six\n");
        EXPECT_EQ(writer.dropped(hangs), 1U);

        writer.flush(hangs);
    }

    EXPECT_EQ(content(), "");
    EXPECT_FALSE(std::filesystem::exists(path("api.log.1")));
}

TEST_F(AppLogTest, WhatCompressesMayTakeSoLongAndNoLonger) {
    LogFile::Options options = hanging_log(*this);
    options.compressor = {"/bin/sh", "-c", "echo part > \"$0.gz\"; exec sleep 1000"};
    options.compress_limit = 10ms;
    LogFile file(options);

    ASSERT_TRUE(file.append("one\n", now));
    ASSERT_TRUE(file.append("two\n", now));

    EXPECT_EQ(content("api.log.1"), "one\n");
    EXPECT_FALSE(std::filesystem::exists(path("api.log.1.gz")));
}

TEST_F(AppLogTest, RefusesWhatIsNoFile) {
    ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
    LogFile file({.path = path()});

    const auto without_reader = file.append("one\n", now);
    const Descriptor reader(::open(path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    const auto with_reader = file.append("one\n", now);

    for (const auto& done : {without_reader, with_reader}) {
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().message(), path() + " is a pipe, it has to be a regular file");
    }
    EXPECT_FALSE(file.flush());
    EXPECT_TRUE(LogFile({.path = "/dev/null"}).append("one\n", now));
    EXPECT_TRUE(LogFile({.path = "/dev/null"}).flush());
}

TEST_F(AppLogTest, SaysHowManyLinesWereDropped) {
    const SteadyClock clock;
    LogWriter writer({.clock = clock, .waiting_bytes_max = 8});
    const auto target = writer.open({.path = path()});

    writer.write(target, "one\ntwo\nthree\n");
    writer.write(target, "four\n");
    writer.wait_until_written();

    EXPECT_EQ(content(), "[tranter] 3 lines were dropped, the disk was too slow\nfour\n");
    EXPECT_EQ(writer.dropped(target), 3U);
}

TEST_F(AppLogTest, WhatWaitsIsWrittenAtTheEnd) {
    const SteadyClock clock;
    {
        LogWriter writer({.clock = clock, .work = {.end_patience = 60s}});
        const auto target = writer.open({.path = path()});
        for (int i = 0; i < 100; ++i)
            writer.write(target, "line\n");
    }

    EXPECT_EQ(content().size(), 500U);
}

TEST(OutputLinesTest, GivesWholeLinesAndTheRestAtTheEnd) {
    OutputLines lines({.app = "api"});

    EXPECT_EQ(lines.add("one\ntw", {}), "one\n");
    EXPECT_EQ(lines.add("o\n", {}), "two\n");
    EXPECT_EQ(lines.add("three", {}), "");
    EXPECT_EQ(lines.finish({}), "three\n");
    EXPECT_EQ(lines.finish({}), "");
}

TEST(OutputLinesTest, ALineWithoutAnEndIsDivided) {
    OutputLines lines({.app = "api", .line_bytes_max = 4});

    EXPECT_EQ(lines.add("123456789", {}), "1234\n5678\n");
    EXPECT_EQ(lines.finish({}), "9\n");
}

TEST(OutputLinesTest, TheTimeInFrontIsThatOfTheMachine) {
    const char* const before = std::getenv("TZ");
    const std::string kept = before == nullptr ? "" : before;
    ::setenv("TZ", "JST-9", 1);
    ::tzset();
    OutputLines lines({.app = "api", .time_format = "%Y-%m-%dT%H:%M:%S %z"});
    OutputLines json({.app = "api", .json = true});

    EXPECT_EQ(lines.add("one\n", Instant(1h)), "1970-01-01T10:00:00 +0900: one\n");
    EXPECT_NE(json.add("one\n", Instant(1h)).find("1970-01-01T01:00:00Z"), std::string::npos);

    before == nullptr ? ::unsetenv("TZ") : ::setenv("TZ", kept.c_str(), 1);
    ::tzset();
}

TEST(OutputLinesTest, AsJsonWhateverTheBytesAre) {
    OutputLines lines({.app = "api", .number = 2, .is_errors = true, .json = true});

    EXPECT_EQ(
        lines.add("say \"\x1b\xff\"\n", Instant(1h)),
        R"({"message":"say \"\u001b)"
        "\xef\xbf\xbd"
        R"(\"","timestamp":"1970-01-01T01:00:00Z","type":"err","process_id":2,"app_name":"api"})"
        "\n"
    );
}

}  // namespace
}  // namespace tranter::supervise
