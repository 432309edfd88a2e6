#include "cli/scrolled_frame.hpp"

#include "cli/terminal_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tranter::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::vector<std::string> frame_lines(std::size_t scrolled, std::size_t rows) {
    auto lines =
        scrolled_frame(
            {.lines = {"heading", "a", "b", "c", "d"}, .fixed = 1, .scrolled = scrolled}, {80, rows}
        )
            .lines;
    if (!lines.empty()) lines.pop_back();
    return lines;
}

TEST(ScrolledFrameTest, KeepsTheHeadingAndScrollsToTheEndAtMost) {
    EXPECT_THAT(frame_lines(0, 4), ElementsAre("heading", "a", "b"));
    EXPECT_THAT(frame_lines(1, 4), ElementsAre("heading", "b", "c"));
    EXPECT_THAT(frame_lines(99, 4), ElementsAre("heading", "c", "d"));
    EXPECT_THAT(frame_lines(99, 6), ElementsAre("heading", "a", "b", "c", "d"));
    EXPECT_THAT(frame_lines(99, 7), ElementsAre("heading", "a", "b", "c", "d", ""));
}

TEST(ScrolledFrameTest, FitsIntoAnyTerminal) {
    for (std::size_t rows = 0; rows < 8; ++rows)
        EXPECT_THAT(
            scrolled_frame({.lines = {"heading", "a", "b"}, .fixed = 2, .scrolled = 9}, {9, rows})
                .lines,
            SizeIs(rows)
        );
}

TEST(ScrolledFrameTest, SaysTroubleWithoutItsSecretsInTheLastLine) {
    const Frame frame = scrolled_frame({.trouble = "no http://me:secret@host\x1b[2J"}, {80, 2});

    EXPECT_THAT(frame.lines.back(), HasSubstr("no http://"));
    EXPECT_THAT(frame.lines.back(), testing::Not(HasSubstr("secret")));
    EXPECT_THAT(frame.lines.back(), testing::Not(HasSubstr("\x1b[2J")));
}

TEST(ScrolledFrameTest, KeysMoveAndEndIt) {
    std::size_t scrolled = 0;
    EXPECT_TRUE(take_scroll_key({.kind = KeyKind::up}, scrolled));
    EXPECT_EQ(scrolled, 0U);
    EXPECT_TRUE(take_scroll_key({.kind = KeyKind::page_down}, scrolled));
    EXPECT_TRUE(take_scroll_key({.letter = 'j'}, scrolled));
    EXPECT_TRUE(take_scroll_key({.kind = KeyKind::up}, scrolled));
    EXPECT_EQ(scrolled, 10U);
    EXPECT_TRUE(take_scroll_key({.kind = KeyKind::home}, scrolled));
    EXPECT_EQ(scrolled, 0U);
    EXPECT_FALSE(take_scroll_key({.letter = 'q'}, scrolled));
    EXPECT_FALSE(take_scroll_key({.letter = '\x03'}, scrolled));
}

}  // namespace
}  // namespace tranter::cli
