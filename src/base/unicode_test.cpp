#include "base/unicode.hpp"

#include <gtest/gtest.h>

namespace tranter {
namespace {

TEST(UnicodeTest, WhatIsWrittenAsUtf8IsReadAgain) {
    for (const char32_t value :
         {U'a', U'\x7f', U'\x80', U'\x7ff', U'\x800', U'\uffff', U'\U00010000', U'\U0010ffff'}) {
        std::string text = "-";
        append_utf8(text, value);

        const CodePoint read = code_point_at(text, 1);

        EXPECT_TRUE(read.valid);
        EXPECT_EQ(read.value, value);
        EXPECT_EQ(read.bytes, text.size() - 1);
    }
}

TEST(PrintableTest, LeavesTextAlone) {
    EXPECT_EQ(printable("plain é 漢 😀 \\n"), "plain é 漢 😀 \\n");
}

TEST(PrintableTest, EscapesControlC1BidirectionalAndInvisibleCharacters) {
    EXPECT_EQ(printable("\x1b[2J\r\n\t\x07"), "\\x1b[2J\\r\\n\\t\\x07");
    EXPECT_EQ(printable("\u009b31m"), "\\u009b31m");
    EXPECT_EQ(printable("a\u202eb\u2067c\u200fd"), "a\\u202eb\\u2067c\\u200fd");
    EXPECT_EQ(printable("\u200b\ufeff\U000e0041"), "\\u200b\\ufeff\\U000e0041");
    EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

TEST(PrintableTest, ShowsBytesThatAreNotUtf8) {
    EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
    EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
    EXPECT_EQ(printable("\x9b"), "\\x9b");                    // C1 as a bare byte
}

TEST(PrintableTest, CutsByCharactersAndSaysSo) {
    EXPECT_EQ(printable("abcdef", 6), "abcdef");
    EXPECT_EQ(printable("abcdef", 4), "abc…");
    EXPECT_EQ(printable("éèêë", 3), "éè…");
    EXPECT_EQ(printable("ab\x1b", 4), "ab…");
}

TEST(PrintableTest, NeverTakesMoreColumnsThanThereAre) {
    EXPECT_EQ(printable("日本語", 6), "日本語");
    EXPECT_EQ(printable("日本語", 5), "日本…");
    EXPECT_EQ(printable("日本語", 4), "日…");
    EXPECT_EQ(printable("e\u0301e\u0301e\u0301", 3), "e\u0301e\u0301e\u0301");
}

TEST(ColumnsTest, AreTwoForWideCharactersAndNoneForMarks) {
    EXPECT_EQ(columns_of("plain é ½"), 9U);
    EXPECT_EQ(columns_of("日本語"), 6U);
    EXPECT_EQ(columns_of("한글 ｆｗ"), 9U);
    EXPECT_EQ(columns_of("😀🚀"), 4U);
    EXPECT_EQ(columns_of("e\u0301"), 1U);
    EXPECT_EQ(columns_of("…─│█"), 4U);
}

}  // namespace
}  // namespace tranter
