#include "cli/log_view.hpp"

#include "cli/json.hpp"
#include "cli/test_instances.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tranter::cli {
namespace {

using namespace std::chrono_literals;
using supervise::Event;
using supervise::InstanceId;
using supervise::OutputLine;
using supervise::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const InstanceId web_id{.app = "web"};
const InstanceId mail_id{.app = "mail", .number = 1};

std::vector<std::string> texts_of(const std::vector<OutputLine>& lines) {
    std::vector<std::string> texts;
    for (const OutputLine& line : lines)
        texts.push_back(line.text);
    return texts;
}

std::vector<OutputLine> some_lines() {
    return {
        printed_line(web_id, 1s, "w1"),
        printed_line(web_id, 3s, "w2", true),
        printed_line(web_id, 3s, "w3"),
        printed_line(mail_id, 2s, "m1"),
        printed_line(mail_id, 4s, "m2"),
    };
}

TEST(LastLinesTest, AreTheLatestOfEachInOrderOfTime) {
    EXPECT_THAT(
        texts_of(last_lines(some_lines(), {}, 100)), ElementsAre("w1", "m1", "w2", "w3", "m2")
    );
    EXPECT_THAT(texts_of(last_lines(some_lines(), {}, 1)), ElementsAre("w3", "m2"));
    EXPECT_THAT(texts_of(last_lines(some_lines(), {}, 0)), ElementsAre());
}

TEST(LastLinesTest, AreCountedAfterTheyWereChosen) {
    EXPECT_THAT(texts_of(last_lines(some_lines(), {.output = false}, 2)), ElementsAre("w2"));
    EXPECT_THAT(
        texts_of(last_lines(some_lines(), {.errors = false}, 2)),
        ElementsAre("w1", "m1", "w3", "m2")
    );
    EXPECT_THAT(texts_of(last_lines(some_lines(), {.text = "1"}, 1)), ElementsAre("w1", "m1"));
}

TEST(SeenLinesTest, KnowWhatCameBefore) {
    SeenLines seen;
    seen.add(printed_line(web_id, 3s, "last"));

    EXPECT_TRUE(seen.has(printed_line(web_id, 2s, "earlier")));
    EXPECT_TRUE(seen.has(printed_line(web_id, 3s, "of the same moment")));
    EXPECT_FALSE(seen.has(printed_line(web_id, 3s + 1us, "later")));
    EXPECT_FALSE(seen.has(printed_line(mail_id, 1s, "of another")));
}

TEST(LogPrinterTest, PutsTheInstanceInFrontOfEachLine) {
    LogPrinter printer({});
    printer.know(std::vector{running_instance(0, "web"), running_instance(5, "mail", 1)});

    EXPECT_EQ(printer.line(printed_line(web_id, 1s, "hello")), "web:0  | hello\n");
    EXPECT_EQ(printer.line(printed_line(mail_id, 1s, "hello")), "mail:1 | hello\n");
    EXPECT_EQ(
        LogPrinter({.timestamps = true}).line(printed_line(web_id, 1500ms, "x")),
        "2027-01-15T08:00:01.500Z web:0 | x\n"
    );
}

TEST(LogPrinterTest, GivesEachInstanceAColourOfItsOwnThatStays) {
    const LogPrinter printer({.is_terminal = true, .colours = true});
    const std::string first = printer.line(printed_line(web_id, 1s, "a"));

    EXPECT_THAT(first, StartsWith("\x1b["));
    EXPECT_EQ(printer.line(printed_line(web_id, 2s, "a")), first);
    const auto colour = [](const std::string& line) {
        return line.substr(0, line.find('m'));
    };
    EXPECT_NE(
        colour(printer.line(printed_line({.app = "web", .number = 1}, 1s, "a"))), colour(first)
    );
}

TEST(LogPrinterTest, LetsColoursThroughAndNothingElseThatSteers) {
    const OutputLine line = printed_line(web_id, 1s, "\x1b[31mred\x1b[0m\x1b[2J\x1b]0;x\x07 end");

    EXPECT_THAT(
        LogPrinter({.is_terminal = true, .colours = true}).line(line),
        HasSubstr("\x1b[31mred\x1b[0m end\n")
    );
    EXPECT_EQ(LogPrinter({}).line(line), "web:0 | red end\n");
    EXPECT_EQ(
        LogPrinter({.form = LogPrinter::Form::raw, .is_terminal = true}).line(line), "red end\n"
    );
    EXPECT_EQ(LogPrinter({.form = LogPrinter::Form::raw}).line(line), line.text + "\n");
}

TEST(LogPrinterTest, PrintsObjectsAsPm2Does) {
    LogPrinter printer({.form = LogPrinter::Form::json});
    printer.know(std::vector{running_instance(5, "mail", 1)});

    const auto read = Json::parse(printer.line(printed_line(mail_id, 1s, "a \"b\"\x1b\xff", true)));

    ASSERT_TRUE(read.has_value());
    EXPECT_EQ((*read)["type"].text(), "err");
    EXPECT_EQ((*read)["process_id"].number(), 5);
    EXPECT_EQ((*read)["app_name"].text(), "mail");
    EXPECT_EQ((*read)["number"].number(), 1);
    EXPECT_EQ((*read)["timestamp"].text(), "2027-01-15T08:00:01Z");
    EXPECT_THAT(std::string((*read)["message"].text()), StartsWith("a \"b\""));
}

TEST(LogPrinterTest, TellsWhatHappenedToAnInstance) {
    const Event event{
        .id = web_id,
        .from = State::ready,
        .to = State::backoff,
        .at = test_now,
        .cause = "it ended\x1b[2J",
        .ending = supervise::Ending{.code = 3}};

    EXPECT_EQ(
        LogPrinter({}).event(event), "web:0 | [ready -> backoff: it ended\\x1b[2J (code 3)]\n"
    );
}

}  // namespace
}  // namespace tranter::cli
