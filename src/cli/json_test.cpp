#include "cli/json.hpp"

#include <gtest/gtest.h>

namespace tranter::cli {
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

}  // namespace
}  // namespace tranter::cli
