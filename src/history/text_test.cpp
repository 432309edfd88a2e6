#include "history/text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tranter::history {
namespace {

TEST(PlainTextTest, ResolvesTheEscapesOfJson) {
    struct Case {
        std::string_view json;
        std::string_view text;
    };
    constexpr Case cases[] = {
        {R"({"a":"b"})", R"({"a":"b"})"},
        {R"("one\ntwo")", "\"one two\""},
        {R"("gr\u00f6\u00DFe")", "\"größe\""},
        {R"("\ud83d\ude80!")", "\"\U0001F680!\""},
        {R"("\ud83d!")", "\" !\""},
        {R"("\ud83d\n")", "\"  \""},
        {R"("\ude80!")", "\" !\""},
        {R"(\u12)", " 12"},
        {R"(\)", " "},
        {R"(\\n)", " n"},
    };
    for (const Case& each : cases) {
        std::string buffer;
        EXPECT_EQ(plain_text(each.json, buffer), each.text) << each.json;
    }
}

TEST(ArgumentTest, ComparesOneFieldOfThePayload) {
    constexpr std::string_view json =
        R"({"user":{"id":42,"name":"Ann","a.b":1},"items":[{"sku":"x"},{"sku":"y"}],)"
        R"("tags":["a","b"],"big":18446744073709551615,"low":-3,"price":1.5,"yes":true,"no":null})";
    const auto matches = [&](std::vector<std::string> path, std::string value) {
        return argument_matches(json, {std::move(path), std::move(value)});
    };

    EXPECT_TRUE(matches({"user", "id"}, "42"));
    EXPECT_FALSE(matches({"user", "id"}, "4"));
    EXPECT_FALSE(matches({"id"}, "42"));
    EXPECT_TRUE(matches({"user", "name"}, "Ann"));
    EXPECT_FALSE(matches({"user", "name"}, "ann"));
    EXPECT_FALSE(matches({"user"}, "42"));
    EXPECT_TRUE(matches({"items", "1", "sku"}, "y"));
    EXPECT_FALSE(matches({"items", "2", "sku"}, "y"));
    EXPECT_FALSE(matches({"items", "-1", "sku"}, "y"));
    EXPECT_TRUE(matches({"tags"}, "b"));
    EXPECT_FALSE(matches({"tags"}, "c"));
    EXPECT_TRUE(matches({"big"}, "18446744073709551615"));
    EXPECT_TRUE(matches({"low"}, "-3"));
    EXPECT_TRUE(matches({"price"}, "1.50"));
    EXPECT_TRUE(matches({"yes"}, "true"));
    EXPECT_TRUE(matches({"no"}, "null"));
    EXPECT_FALSE(argument_matches("not json", {{"a"}, "b"}));
    EXPECT_FALSE(argument_matches("", {{"a"}, "b"}));
}

class TextSearchTest : public testing::Test {
  protected:
    /// What comparing says, having checked that FTS5 says the same.
    bool matches(const HistoryFilter& filter, const Texts& texts) {
        const TextSearch search(filter, tokenizer_);
        const bool compared = search.matches(texts);
        database_.execute("DELETE FROM probe");
        std::array<std::string, text_fields> buffers;
        Statement insert(database_.handle(), "INSERT INTO probe VALUES(?1, ?2, ?3, ?4)");
        for (std::size_t field = 0; field < text_fields; ++field) {
            const auto which = static_cast<TextField>(field);
            insert.bind(static_cast<int>(field) + 1, indexed_text(texts, which, buffers[field]));
        }
        insert.run();
        if (search.empty()) return compared;
        Statement find(database_.handle(), "SELECT count(*) FROM probe WHERE probe MATCH ?1");
        const std::string expression = search.match_expression();
        find.bind(1, expression);
        EXPECT_TRUE(find.step());
        EXPECT_EQ(find.integer(0) == 1, compared) << expression;
        return compared;
    }

    bool finds(std::string_view text, std::string_view payload, bool prefix = false) {
        HistoryFilter filter;
        filter.words = {{std::string(text), prefix}};
        return matches(filter, {payload, "", "", ""});
    }

    Database database_{":memory:", Database::Mode::write};
    Tokenizer tokenizer_{database_};

    void SetUp() override {
        database_.execute(
            "CREATE VIRTUAL TABLE probe USING fts5(payload, result, errors, log, tokenize='" +
            std::string(Tokenizer::definition) + "')"
        );
    }
};

TEST_F(TextSearchTest, ComparesWordsAsTheTextIndexDoes) {
    EXPECT_TRUE(finds("invoice", R"({"kind":"Invoice"})"));
    EXPECT_FALSE(finds("invoice", R"({"kind":"invoices"})"));
    EXPECT_TRUE(finds("inv", R"({"kind":"invoices"})", true));
    EXPECT_TRUE(finds("two words", "one two, words"));
    EXPECT_FALSE(finds("two words", "two other words"));
    EXPECT_TRUE(finds("two wo", "one two words", true));
    EXPECT_FALSE(finds("tw words", "one two words", true));
    EXPECT_TRUE(finds("a a b", "a a a b"));
    EXPECT_TRUE(finds("ann@example.com", R"({"to":"Ann@Example.com"})"));
    EXPECT_TRUE(finds("strasse", "STRASSE"));
    EXPECT_TRUE(finds("creme brulee", "Crème Brûlée"));
    EXPECT_TRUE(finds("grösse", R"({"x":"gr\u00f6sse"})"));
    EXPECT_TRUE(finds("second", R"({"x":"first\nsecond"})"));
    EXPECT_FALSE(finds("nsecond", R"({"x":"first\nsecond"})"));
    EXPECT_TRUE(finds("42", R"({"id":42})"));
}

TEST_F(TextSearchTest, TakesOperatorsOfFts5ForWords) {
    for (const std::string_view text :
         {"a OR b",
          "NOT a",
          "a NEAR b",
          "\"a",
          "a\"b",
          "payload:a",
          "{payload}",
          "a*b",
          "^a",
          "a+b",
          "(a",
          "a)",
          "'; DROP TABLE probe; --",
          "AND",
          "-a",
          "a AND"}) {
        EXPECT_FALSE(finds(text, "something else")) << text;
        EXPECT_TRUE(finds(text, text)) << text;
    }
}

TEST_F(TextSearchTest, LooksIntoEveryFieldForWordsAndOnlyIntoErrorsForErrors) {
    HistoryFilter words;
    words.words = {{"needle"}};
    HistoryFilter errors;
    errors.errors = {"need"};
    for (std::size_t field = 0; field < text_fields; ++field) {
        Texts texts{};
        texts[field] = "a needle";
        EXPECT_TRUE(matches(words, texts));
        EXPECT_EQ(matches(errors, texts), field == static_cast<std::size_t>(TextField::errors));
    }
}

TEST_F(TextSearchTest, LeavesBackslashesInALogAlone) {
    HistoryFilter filter;
    filter.words = {{"nothing"}};
    EXPECT_TRUE(matches(filter, {"", "", "", R"(C:\nothing)"}));
}

TEST_F(TextSearchTest, FindsEverythingForATextWithoutLetters) {
    EXPECT_TRUE(finds("\u2014", "anything"));
}

}  // namespace
}  // namespace tranter::history
