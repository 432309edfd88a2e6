#include "cli/unicode.hpp"

#include "cli/json.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tranter::cli {
namespace {

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

bool takes_for_utf8(std::string_view text) {
    bool valid = true;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        valid = valid && point.valid;
        at += point.bytes;
    }
    return valid;
}

// An oracle: what simdjson takes for UTF-8 is what we take for UTF-8.
TEST(CodePointTest, AgreesWithAnotherDecoderOnAllSequencesOfEdgeBytes) {
    const std::string_view edges =
        "\x01\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xed\xef\xf0\xf4\xf5\xff";
    constexpr std::size_t length = 4;
    std::string text(length, edges.front());
    std::vector<std::size_t> digits(length);  // counts through all texts
    for (std::size_t wheel = 0; wheel < length;) {
        ASSERT_EQ(takes_for_utf8(text), is_valid_utf8(text)) << printable(text);
        for (wheel = 0; wheel < length; ++wheel) {
            digits[wheel] = (digits[wheel] + 1) % edges.size();
            text[wheel] = edges[digits[wheel]];
            if (digits[wheel] != 0) break;
        }
    }
}

}  // namespace
}  // namespace tranter::cli
