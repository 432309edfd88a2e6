#include "cli/payload_edit.hpp"

#include <gtest/gtest.h>

#include <map>

namespace tranter::cli {
namespace {

std::string with(std::string_view json, std::string_view path, std::string_view value) {
    const auto changed = json_with(json, path, value);
    return changed ? *changed : "refused: " + changed.error().message();
}

TEST(JsonWithTest, ReplacesOneValueAndLeavesTheRestAsItIsWritten) {
    EXPECT_EQ(
        with(R"({"a":1.50,"b":{"c":[1,2]},"n":18446744073709551616})", "b.c.1", "\"x\""),
        R"({"a":1.50,"b":{"c":[1,"x"]},"n":18446744073709551616})"
    );
    EXPECT_EQ(with(R"({"a":1})", "a", " { \"b\" : [ ] } "), R"({"a":{"b":[]}})");
    EXPECT_EQ(with("[1,2,3]", "0", "null"), "[null,2,3]");
}

TEST(JsonWithTest, AddsWhatIsMissing) {
    EXPECT_EQ(with("{}", "a", "1"), R"({"a":1})");
    EXPECT_EQ(with(R"({"a":1})", "b", "2"), R"({"a":1,"b":2})");
    EXPECT_EQ(with(R"({"a":{}})", "a.b.c", "2"), R"({"a":{"b":{"c":2}}})");
    EXPECT_EQ(with(R"({"a":1})", "say \"hi\"", "2"), R"({"a":1,"say \"hi\"":2})");
}

TEST(JsonWithTest, FindsNamesThatAreWrittenWithEscapes) {
    EXPECT_EQ(with(R"({"\u0061b":1})", "ab", "2"), R"({"\u0061b":2})");
}

TEST(JsonWithTest, SaysWhyThereIsNoRoom) {
    EXPECT_EQ(with("[1]", "1", "2"), "refused: --set '1': the array has 1 elements, none is 1");
    EXPECT_EQ(with("[1]", "a", "2"), "refused: --set 'a': a is no position in an array");
    EXPECT_EQ(
        with("{\"a\":1}", "a.b", "2"),
        "refused: --set 'a.b': what b would be in is neither object nor array"
    );
    for (const char* path : {"", ".", "a.", ".a", "a..b"}) {
        EXPECT_TRUE(with("{}", path, "1").starts_with("refused: ")) << path;
    }
    EXPECT_TRUE(with("{", "a", "1").starts_with("refused: "));
    EXPECT_TRUE(with("{}", "a", "{").starts_with("refused: "));
}

TEST(IndentedJsonTest, IsTheSameJsonOnManyLines) {
    EXPECT_EQ(
        indented_json(R"({"a":[1,{}],"b":"{[\",:","c":[]})"),
        "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"{[\\\",:\",\n  \"c\": []\n}"
    );
    EXPECT_EQ(indented_json("null"), "null");
    EXPECT_EQ(indented_json("{}"), "{}");
}

Result<PayloadEdit> edit_of(std::map<std::string, std::vector<std::string>, std::less<>> given) {
    return PayloadEdit::read(Arguments(std::move(given)));
}

TEST(PayloadEditTest, DoesWhatItIsTold) {
    const auto none = edit_of({});
    const auto set = edit_of({{"set", {"a=1", "b.c=\"x=y\""}}});
    const auto other = edit_of({{"payload", {" [ 1 ] "}}});

    ASSERT_TRUE(none && set && other);
    EXPECT_FALSE(none->changes());
    EXPECT_EQ(none->apply("{}").value(), "{}");
    EXPECT_EQ(set->apply("{\"a\":0}").value(), R"({"a":1,"b":{"c":"x=y"}})");
    EXPECT_EQ(other->apply("{}").value(), "[1]");
}

TEST(PayloadEditTest, RefusesWhatIsNoJson) {
    EXPECT_FALSE(edit_of({{"set", {"a"}}}));
    EXPECT_FALSE(edit_of({{"set", {"a=b"}}}));
    EXPECT_FALSE(edit_of({{"payload", {"{"}}}));
    EXPECT_FALSE(edit_of({{"payload", {"1"}}, {"set", {"a=1"}}}));
}

}  // namespace
}  // namespace tranter::cli
