#include "cli/terminal_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tranter::cli {
namespace {

std::string shown(std::string_view line) {
    return harmless_line(line, {.colours = true});
}

TEST(HarmlessLineTest, KeepsTextAndColoursAndEndsThem) {
    EXPECT_EQ(shown("plain é 漢"), "plain é 漢");
    EXPECT_EQ(shown("\x1b[31mred\x1b[0m"), "\x1b[31mred\x1b[0m");
    EXPECT_EQ(shown("\x1b[1;38;5;200mbold"), "\x1b[1;38;5;200mbold\x1b[0m");
    EXPECT_EQ(shown("\x1b[38:2::1:2:3mx\x1b[m"), "\x1b[38:2::1:2:3mx\x1b[m");
    EXPECT_EQ(harmless_line("\x1b[31mred\x1b[0m", {}), "red");
}

TEST(HarmlessLineTest, DropsWhateverElseSteersATerminal) {
    EXPECT_EQ(shown("a\x1b[2Jb\x1b[1;1Hc\x1b[?1049hd\x1b[6ne"), "abcde");
    EXPECT_EQ(
        shown("a\x1b]0;title\x07"
              "b\x1b]52;c;aGk=\x1b\\c"),
        "abc"
    );
    EXPECT_EQ(shown("a\x1bPq#0\x1b\\b\x1b_x\x1b\\c\x1b^y\x1b\\d\x1bXz\x1b\\e"), "abcde");
    EXPECT_EQ(
        shown("a\x1b"
              "cb\x1b(0c\x1b"
              "7d\x1b#8e"),
        "abcde"
    );
    EXPECT_EQ(
        shown("a\u009b2Jb\u009d0;t\u009c"
              "c\u0090d"),
        "abc"
    );
    EXPECT_EQ(shown("a\x1b[>4;1mb\x1b[0 qc\x1b[?25md"), "abcd");
    EXPECT_EQ(
        shown("a\x07"
              "b\x08"),
        "ab\\x08"
    );
    EXPECT_EQ(shown("1%\r2%\r"), "1%\\r2%");
}

TEST(HarmlessLineTest, LosesNothingBehindABrokenSequence) {
    EXPECT_EQ(shown("a\x1b"), "a");
    EXPECT_EQ(shown("a\x1b["), "a");
    EXPECT_EQ(shown("a\x1b[12"), "a");
    EXPECT_EQ(shown("a\x1b[12\x1b[31mb"), "a\x1b[31mb\x1b[0m");
    EXPECT_EQ(shown("a\x1b]0;no end"), "a");
    EXPECT_EQ(shown("a\x1b[" + std::string(500, '1') + "mb"), "ab");
    EXPECT_EQ(shown("\x9b\xff\u202e"), "\\x9b\\xff\\u202e");
}

TEST(HarmlessLineTest, ExpandsTabsUnlessTheyAreWanted) {
    EXPECT_EQ(shown("a\tb"), "a       b");
    EXPECT_EQ(shown("漢\tb"), "漢      b");
    EXPECT_EQ(harmless_line("a\tb", {.expands_tabs = false}), "a\tb");
}

TEST(CutLineTest, CountsColumnsAndNotColours) {
    EXPECT_EQ(shown_columns("\x1b[31m漢字\x1b[0m!"), 5U);
    EXPECT_EQ(cut_line("abcdef", 6), "abcdef");
    EXPECT_EQ(cut_line("abcdef", 4), "abc…");
    EXPECT_EQ(cut_line("\x1b[31mabcdef\x1b[0m", 4), "\x1b[31mabc…\x1b[0m");
    EXPECT_EQ(cut_line("\x1b[31mab\x1b[0mcdef", 4), "\x1b[31mab\x1b[0mc…");
    EXPECT_EQ(cut_line("漢字漢", 4), "漢…");
    EXPECT_EQ(cut_line("abc", 0), "");
}

}  // namespace
}  // namespace tranter::cli
