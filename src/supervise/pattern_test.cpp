#include "supervise/pattern.hpp"

#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

namespace tranter::supervise {
namespace {

/// Whether it is in the text; throws what is wrong with it.
bool is_in(std::string_view expression, std::string_view text) {
    auto pattern = Pattern::compile(expression);
    if (!pattern) throw std::runtime_error(pattern.error().message());
    return pattern->is_in(text);
}

std::string trouble_of(std::string_view expression) {
    const auto pattern = Pattern::compile(expression);
    return pattern ? "" : pattern.error().message();
}

TEST(PatternTest, FindsWhatServersPrint) {
    EXPECT_TRUE(is_in("listening on port \\d+", "[info] listening on port 3000 now"));
    EXPECT_FALSE(is_in("listening on port \\d+", "[info] listening on port now"));
    EXPECT_TRUE(is_in("^ready$", "ready"));
    EXPECT_FALSE(is_in("^ready$", "not ready"));
    EXPECT_TRUE(is_in("(http|tcp)s?://[\\w.-]+:[0-9]{2,5}\\b", "at https://localhost:8080/"));
    EXPECT_TRUE(is_in("a{,3}", "a{,3}"));  // no quantifier
    EXPECT_TRUE(is_in("(?<name>x)(?:y)", "xy"));
    EXPECT_TRUE(is_in("", ""));
    EXPECT_TRUE(is_in("a|", "z"));
}

TEST(PatternTest, TakesCharactersOfUtf8AsOne) {
    EXPECT_TRUE(is_in("^.$", "é"));
    EXPECT_TRUE(is_in("^[^a]{2}$", "é€"));
    EXPECT_FALSE(is_in("^.{2}$", "€"));
    EXPECT_TRUE(is_in("^é+$", "ééé"));
    EXPECT_TRUE(is_in("\\u20ac", "€"));
    EXPECT_TRUE(is_in("^\\W$", "é"));
    EXPECT_TRUE(is_in("^[\\Dx]$", "é"));
    EXPECT_FALSE(is_in("^[^\\Dx]$", "é"));
    EXPECT_TRUE(is_in("^[^\\Dx]$", "7"));
}

TEST(PatternTest, SaysWhatIsWrongAndWhere) {
    EXPECT_EQ(trouble_of("a(b"), "regular expression 'a(b', character 4: a ( has no ) after it");
    for (const char* wrong : {"a)",   "[a",      "*",      "a**",     "(?=x)",     "(?<!x)", "\\1",
                              "\\",   "\\q",     "a{3,2}", "a{2000}", "[z-a]",     "[é]",    "(?x)",
                              "\\x4", "\\u00g0", "[\\d-z", "(?<x",    "[\\u20ac]", "^*|+"})
        EXPECT_NE(trouble_of(wrong), "") << wrong;
    EXPECT_NE(trouble_of(std::string(1000, '(')), "");
    EXPECT_NE(trouble_of("((a{1000}){1000}){1000}"), "");
}

TEST(PatternTest, TakesTimeThatGrowsWithTheTextAlone) {
    // One that tries each way after the other would not live to see the end of these.
    EXPECT_FALSE(is_in("(a+)+b", std::string(20'000, 'a')));
    EXPECT_FALSE(is_in("^(a|a)*$", std::string(20'000, 'a') + "b"));
    EXPECT_FALSE(is_in("(a*)*(a*)*b", std::string(20'000, 'a')));
    EXPECT_TRUE(is_in("(x?){100}x{100}", std::string(100, 'x')));
}

/// A short expression, not always a right one.
std::string some_expression(std::mt19937& random) {
    static const std::vector<std::string> parts{
        "a",   "b",   "c",     "a",    "b",  ".",   "[ab]", "[^a]",   "\\w", "\\W",
        "\\b", "\\B", "^",     "$",    "(",  ")",   "(?:",  "|",      "*",   "+",
        "?",   "{2}", "{0,2}", "{1,}", "*?", "\\d", "\\s",  "[\\d_-]"};
    std::string out;
    for (std::size_t i = 1 + random() % 8; i > 0; --i)
        out += parts[random() % parts.size()];
    return out;
}

TEST(PatternTest, AgreesWithTheStandardLibrary) {
    std::mt19937 random(20240607);
    int compared = 0;
    for (int i = 0; i < 3'000; ++i) {
        const std::string expression = some_expression(random);
        const auto ours = Pattern::compile(expression);
        if (!ours) continue;
        std::regex theirs;
        try {
            theirs = std::regex(expression, std::regex::ECMAScript);
        } catch (const std::regex_error&) {
            continue;
        }
        for (int j = 0; j < 4; ++j) {
            std::string text;
            for (std::size_t k = random() % 6; k > 0; --k)
                text += "abc1 _"[random() % 6];
            ++compared;
            ASSERT_EQ(ours->is_in(text), std::regex_search(text, theirs))
                << expression << " in '" << text << "'";
        }
    }
    EXPECT_GT(compared, 2'000);
}

}  // namespace
}  // namespace tranter::supervise
