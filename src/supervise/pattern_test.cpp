#include "supervise/pattern.hpp"

#include "supervise/pattern_syntax.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <cstddef>
#include <random>
#include <set>
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

using Places = std::set<std::size_t>;

bool is_letter(const std::string& text, std::size_t at) {
    return at < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_');
}

/// Where it may end when it begins at `from`, by what the tree means.
Places ends_of(const PatternNode& node, const std::string& text, std::size_t from) {
    using Kind = PatternNode::Kind;
    const auto after_each = [&](const PatternNode& part, const Places& begins) {
        Places out;
        for (const std::size_t begin : begins)
            out.merge(ends_of(part, text, begin));
        return out;
    };
    const bool is_edge = (from > 0 && is_letter(text, from - 1)) != is_letter(text, from);
    Places out;
    switch (node.kind) {
        case Kind::sequence:
            out = {from};
            for (const PatternNode& part : node.parts)
                out = after_each(part, out);
            return out;
        case Kind::choice:
            for (const PatternNode& part : node.parts)
                out.merge(ends_of(part, text, from));
            return out;
        case Kind::repeat: {
            Places begins{from};
            // More turns than there are bytes lead nowhere new.
            for (std::size_t turn = 0; turn <= node.min + text.size() + 1; ++turn) {
                if (turn >= node.min) out.insert(begins.begin(), begins.end());
                if (turn == node.max) break;
                begins = after_each(node.parts.front(), begins);
            }
            return out;
        }
        case Kind::bytes:
            if (from < text.size() && node.bytes.test(static_cast<unsigned char>(text[from])))
                out = {from + 1};
            return out;
        case Kind::begin:
            return from == 0 ? Places{from} : out;
        case Kind::end:
            return from == text.size() ? Places{from} : out;
        case Kind::edge:
            return is_edge ? Places{from} : out;
        case Kind::no_edge:
            return is_edge ? out : Places{from};
    }
    return out;
}

TEST(PatternTest, FindsWhatTheExpressionMeans) {
    std::mt19937 random(20240607);
    int found = 0;
    int compared = 0;
    for (int i = 0; i < 5'000; ++i) {
        const std::string expression = some_expression(random);
        const auto ours = Pattern::compile(expression);
        const auto tree = parse_pattern(expression);
        ASSERT_EQ(ours.has_value(), tree.has_value()) << expression;
        if (!ours || !tree) continue;
        for (int j = 0; j < 4; ++j) {
            std::string text;
            for (std::size_t k = random() % 6; k > 0; --k)
                text += "abc1 _"[random() % 6];
            bool is_there = false;
            for (std::size_t from = 0; from <= text.size(); ++from)
                is_there = is_there || !ends_of(*tree, text, from).empty();
            ++compared;
            if (is_there) ++found;
            ASSERT_EQ(ours->is_in(text), is_there) << expression << " in '" << text << "'";
        }
    }
    EXPECT_GT(found, 1'000);
    EXPECT_GT(compared - found, 1'000);
}

}  // namespace
}  // namespace tranter::supervise
