#include "cli/output.hpp"

#include "base/error.hpp"
#include "cli/terminal.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace tranter::cli {
namespace {

/// A file to write to and read back.
class OutputTest : public testing::Test {
  public:
    OutputTest() : fd_(::open("/tmp", O_TMPFILE | O_RDWR, 0600)) {}
    ~OutputTest() override { ::close(fd_); }
    OutputTest(const OutputTest&) = delete;
    OutputTest& operator=(const OutputTest&) = delete;

  protected:
    int fd() const { return fd_; }

    std::string printed() const {
        ::lseek(fd_, 0, SEEK_SET);
        return read_all(fd_, "the test file");
    }

    static Json record(std::string_view name, Json value) {
        Json made;
        made.set("name", name).set("value", std::move(value)).set("hidden", "not in tables");
        return made;
    }

    std::string print_two(Format format, std::size_t columns = 0) {
        Output output({.format = format, .fd = fd_, .columns = columns});
        output.begin({{"name", "NAME"}, {"value", "VALUE"}});
        output.row(record("a", 1));
        output.row(record("longer", "x\ny\u202e"));
        output.end();
        return printed();
    }

  private:
    int fd_;
};

TEST_F(OutputTest, TablesAlignColumnsAndEscapeValues) {
    EXPECT_EQ(
        print_two(Format::table),
        "NAME    VALUE\n"
        "a       1\n"
        "longer  x\\ny\\u202e\n"
    );
}

TEST_F(OutputTest, WideTablesHaveColumnsThatOthersLeaveOut) {
    for (const Format format : {Format::table, Format::wide}) {
        Output output({.format = format, .fd = fd()});
        output.begin({{"name", "NAME"}, {"hidden", "HIDDEN", true}, {"value", "VALUE"}});
        output.row(record("a", 1));
        output.end();
    }

    EXPECT_EQ(
        printed(), "NAME  VALUE\na     1\nNAME  HIDDEN         VALUE\na     not in tables  1\n"
    );
}

TEST_F(OutputTest, NamesAreTheFirstColumnAlone) {
    EXPECT_EQ(print_two(Format::name), "a\nlonger\n");

    Output output({.format = Format::name, .fd = fd()});
    output.one(record("x\ny", 1));

    EXPECT_EQ(printed(), "a\nlonger\nx\\ny\n");
}

TEST_F(OutputTest, TablesAreCutToTheTerminal) {
    EXPECT_EQ(
        print_two(Format::table, 10),
        "NAME    V…\n"
        "a       1\n"
        "longer  x…\n"
    );
}

TEST_F(OutputTest, JsonIsOneArray) {
    EXPECT_EQ(
        print_two(Format::json),
        "[\n"
        R"({"name":"a","value":1,"hidden":"not in tables"},)"
        "\n"
        R"({"name":"longer","value":"x\ny\u202e","hidden":"not in tables"})"
        "\n]\n"
    );
}

TEST_F(OutputTest, NdjsonIsOneObjectALine) {
    EXPECT_EQ(
        print_two(Format::ndjson),
        R"({"name":"a","value":1,"hidden":"not in tables"})"
        "\n"
        R"({"name":"longer","value":"x\ny\u202e","hidden":"not in tables"})"
        "\n"
    );
}

TEST_F(OutputTest, AnEmptyListIsAnEmptyArrayOrNothingOrHeadings) {
    for (const auto& [format, expected] : {
             std::pair(Format::json, "[]\n"),
             std::pair(Format::ndjson, ""),
         }) {
        ASSERT_EQ(::ftruncate(fd(), 0), 0);
        ::lseek(fd(), 0, SEEK_SET);
        Output output({.format = format, .fd = fd()});
        output.begin({{"name", "NAME"}});
        output.end();
        EXPECT_EQ(printed(), expected);
    }
}

TEST_F(OutputTest, OneRecordIsAListOfItsMembersInATable) {
    Json nested;
    nested.set("VisibilityTimeout", "30");
    Json names;
    names.push("a").push("b");
    Json made = record("q", Json());
    made.set("names", names).set("attributes", nested).set("tags", Json(Json::Object()));
    Output output({.format = Format::table, .fd = fd()});

    output.one(made);

    EXPECT_EQ(
        printed(),
        "name        q\n"
        "value       -\n"
        "hidden      not in tables\n"
        "names       a, b\n"
        "attributes\n"
        "  VisibilityTimeout  30\n"
        "tags        {}\n"
    );
}

TEST_F(OutputTest, FlushWritesTheRowsSoFar) {
    Output output({.format = Format::ndjson, .fd = fd()});
    output.begin({});
    output.row(Json(1));
    output.flush();

    EXPECT_EQ(printed(), "1\n");
}

TEST(WriteAllTest, TellsAGoneReaderFromOtherFailures) {
    std::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ::close(ends[0]);

    EXPECT_THROW(write_all(ends[1], "x"), OutputClosed);
    ::close(ends[1]);
    EXPECT_THROW(write_all(ends[1], "x"), SystemError);
}

TEST(ChooseFormatTest, IsATableOnATerminalAndJsonElsewhere) {
    EXPECT_EQ(choose_format(std::nullopt, true), Format::table);
    EXPECT_EQ(choose_format(std::nullopt, false), Format::json);
    EXPECT_EQ(choose_format("ndjson", true), Format::ndjson);
    EXPECT_EQ(choose_format("table", false), Format::table);
}

TEST(LineReaderTest, HandsOutLinesHoweverTheyArrive) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    LineReader reader(ends[0], "the pipe");
    std::string line;

    write_all(ends[1], "one\ntw");
    ASSERT_TRUE(reader.next(line));
    EXPECT_EQ(line, "one");
    write_all(ends[1], "o\n\nlast");
    ASSERT_TRUE(reader.next(line));
    EXPECT_EQ(line, "two");
    ASSERT_TRUE(reader.next(line));
    EXPECT_EQ(line, "");
    ::close(ends[1]);
    ASSERT_TRUE(reader.next(line));
    EXPECT_EQ(line, "last");
    EXPECT_FALSE(reader.next(line));
    ::close(ends[0]);
}

}  // namespace
}  // namespace tranter::cli
