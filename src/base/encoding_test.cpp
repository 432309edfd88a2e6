#include "base/encoding.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tranter {
namespace {

using namespace std::string_literals;

TEST(EncodingTest, HexHasTwoDigitsForEachByte) {
    std::string expected;
    std::vector<std::uint8_t> bytes;
    for (int byte = 0; byte < 256; ++byte) {
        EXPECT_EQ(to_hex(bytes), expected);
        bytes.push_back(static_cast<std::uint8_t>(byte));
        expected += "0123456789abcdef"[byte / 16];
        expected += "0123456789abcdef"[byte % 16];
    }
}

TEST(EncodingTest, Base64MatchesTheVectorsOfRfc4648) {
    const std::pair<const char*, const char*> vectors[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) {
        EXPECT_EQ(to_base64(bytes), text);
        EXPECT_EQ(from_base64(text), bytes);
    }
    EXPECT_EQ(to_base64("\x00\x01\xff"s), "AAH/");
}

TEST(EncodingTest, Base64RefusesWhatNoEncoderWrites) {
    for (const char* text :
         {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Zg==Zg==", "Z g=", "Zg=x"}) {
        EXPECT_FALSE(from_base64(text)) << text;
    }
}

TEST(EncodingTest, PercentDecodingReadsFormsAndPaths) {
    EXPECT_EQ(percent_decode("a%20b+c", PlusSign::space), "a b c");
    EXPECT_EQ(percent_decode("a%20b+c%2F", PlusSign::literal), "a b+c/");
    EXPECT_EQ(percent_decode("%00"), "\0"s);
}

TEST(EncodingTest, PercentDecodingRefusesIncompleteEscapes) {
    for (const char* text : {"%", "%2", "%G1", "a%", "%%20"}) {
        EXPECT_FALSE(percent_decode(text)) << text;
    }
}

TEST(EncodingTest, PercentEncodingKeepsOnlyUnreservedCharacters) {
    std::string out;
    append_percent_encoded(out, "aZ09-._~ /+\xc3\xa9");
    EXPECT_EQ(out, "aZ09-._~%20%2F%2B%C3%A9");
    out.clear();
    append_percent_encoded(out, "/a b", Slash::keep);
    EXPECT_EQ(out, "/a%20b");
}

TEST(EncodingTest, Utf8AcceptsEveryWellFormedLength) {
    EXPECT_TRUE(is_valid_utf8(""));
    EXPECT_TRUE(is_valid_utf8("plain ascii that is longer than one word"));
    EXPECT_TRUE(is_valid_utf8("\u00e9 \u20ac \U0001F600 \uffff \U0010ffff"));
    EXPECT_TRUE(is_valid_utf8("1234567\u00e9"));
}

TEST(EncodingTest, Utf8RefusesMalformedSequences) {
    for (const char* text :
         {"\xc0\xaf",
          "\xc1\x81",
          "\xe0\x80\x80",
          "\xed\xa0\x80",
          "\xf0\x80\x80\x80",
          "\xf4\x90\x80\x80",
          "\xf5\x80\x80\x80",
          "\x80",
          "\xc3",
          "\xe2\x82",
          "abcdefgh\xff",
          "\xf0\x9f\x98"}) {
        EXPECT_FALSE(is_valid_utf8(text));
    }
}

TEST(EncodingTest, HexIsLowerCase) {
    const std::uint8_t bytes[] = {0, 0x0f, 0xa5, 0xff};
    EXPECT_EQ(to_hex(bytes), "000fa5ff");
}

TEST(EncodingTest, HexDigitsAreReadInEitherCase) {
    std::string digits;
    std::string letters;
    for (int i = 0; i < 256; ++i) {
        const char c = static_cast<char>(i);
        const int value = hex_digit(c);
        EXPECT_TRUE(value >= -1 && value < 16);
        if (value >= 0) digits += c;
        if (value >= 10) letters += static_cast<char>('a' + value - 10);
    }

    EXPECT_EQ(digits, "0123456789ABCDEFabcdef");
    EXPECT_EQ(letters, "abcdefabcdef");
}

}  // namespace
}  // namespace tranter
