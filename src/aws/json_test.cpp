#include "aws/json.hpp"

#include "base/unicode.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tranter::aws {
namespace {

TEST(JsonTest, WritesWhatItReads) {
    const std::string text =
        R"({"a":[1,-2.5,true,false,null,"x"],"b":{"c":[]},"d":9223372036854775807,"e":{}})";

    EXPECT_EQ(Json::parse(text).value().dump(), text);
}

TEST(JsonTest, EscapesWhatCouldSteerATerminal) {
    const Json value("\x1b[31m\x7f \u0085 \u202e \u2066 \ufeff \U000e0041 \"\\ \n\t é 😀 \xff");

    EXPECT_EQ(
        value.dump(),
        R"("\u001b[31m\u007f \u0085 \u202e \u2066 \ufeff \udb40\udc41 \"\\ \n\t é 😀 \ufffd")"
    );
    const Json again = Json::parse(value.dump()).value();
    EXPECT_TRUE(again.text().starts_with("\x1b[31m\x7f \u0085 \u202e"));
}

TEST(JsonTest, PassesVerbatimTextOnButForWhatCouldSteerATerminal) {
    Json value;
    value.set("n", Json::verbatim("{\"a\": 18446744073709551616,\n\"b\":1.0}"))
        .set("s", Json::verbatim("\"\u202e \U000e0041 \x7f \xff \\n é\""));

    EXPECT_EQ(
        value.dump(),
        R"({"n":{"a": 18446744073709551616, "b":1.0},)"
        R"("s":"\u202e \udb40\udc41 \u007f \ufffd \n é"})"
    );
    EXPECT_FALSE(value["n"].is_null());
    EXPECT_FALSE(value["n"].is_object());
}

TEST(JsonTest, FindsNullWhereThereIsNothing) {
    const Json value = Json::parse(R"({"a": {"b": "c"}})").value();

    EXPECT_EQ(value["a"]["b"].text(), "c");
    EXPECT_TRUE(value["x"]["y"].is_null());
    EXPECT_TRUE(value["a"]["b"]["c"].is_null());
    EXPECT_EQ(value["a"].text(), "");
    EXPECT_EQ(value["a"].number(), 0);
    EXPECT_TRUE(value["a"].items().empty());
}

TEST(JsonTest, ReadsNumbersThatStandInStrings) {
    EXPECT_EQ(Json("42").number(), 42);
    EXPECT_EQ(Json(42).number(), 42);
    EXPECT_EQ(Json(4.9).number(), 4);
    EXPECT_EQ(Json(1e300).number(), 0);
    EXPECT_EQ(Json("many").number(), 0);
}

TEST(JsonTest, BuildsObjectsAndArraysInOrder) {
    Json list;
    list.push(1).push("two");
    Json value;
    value.set("z", std::move(list)).set("a", true).set("n", Json());

    EXPECT_EQ(value.dump(), R"({"z":[1,"two"],"a":true,"n":null})");
}

TEST(JsonTest, RefusesWhatIsNoJsonOrTooDeep) {
    EXPECT_FALSE(Json::parse(""));
    EXPECT_FALSE(Json::parse("{"));
    EXPECT_FALSE(Json::parse("{} {}"));
    EXPECT_FALSE(Json::parse("\"\xff\""));
    EXPECT_FALSE(Json::parse(std::string(100, '[') + std::string(100, ']')));
}

TEST(JsonTest, KnowsUtf8) {
    EXPECT_TRUE(is_valid_utf8("é 😀"));
    EXPECT_FALSE(is_valid_utf8("\xff"));
    EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));  // a surrogate
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
}  // namespace tranter::aws
