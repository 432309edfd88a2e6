#include "history/query.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace tranter::history {
namespace {

using namespace std::chrono_literals;

constexpr Instant now{std::chrono::hours(24 * 365 * 50)};

struct Good {
    std::string_view text;
    HistoryFilter filter{};
};

const Good good[] = {
    {"", {}},
    {" \t\n", {}},
    {"queue:mail", {.queue = "mail"}},
    {"queue:\"my \\\"own\\\" queue\"", {.queue = "my \"own\" queue"}},
    {"type:user:create", {.type = "user:create"}},
    {"group:acme", {.group = "acme"}},
    {"state:dead", {.states = {State::dead}}},
    {"state:dead,failed state:dead", {.states = {State::dead, State::failed}}},
    {"tag:customer=42 tag:a", {.tags = {"customer=42", "a"}}},
    {"age>5m", {.finished_before = now - 5min}},
    {"age<1h age>\"5 minutes\"", {.finished_from = now - 1h, .finished_before = now - 5min}},
    {"error:timeout", {.errors = {"timeout"}}},
    {"error:\"connection refused\"", {.errors = {"connection refused"}}},
    {"args.user.id:42", {.arguments = {{{"user", "id"}, "42"}}}},
    {"args.items.0.name:\"a b\"", {.arguments = {{{"items", "0", "name"}, "a b"}}}},
    {"args.at:12:30", {.arguments = {{{"at"}, "12:30"}}}},
    {"args.größe:1", {.arguments = {{{"größe"}, "1"}}}},
    {"invoice", {.words = {{"invoice"}}}},
    {"inv*", {.words = {{"inv", true}}}},
    {"\"quoted phrase\"", {.words = {{"quoted phrase"}}}},
    {"\"queue:mail\"*", {.words = {{"queue:mail", true}}}},
    {"a AND b OR NOT c", {.words = {{"a"}, {"AND"}, {"b"}, {"OR"}, {"NOT"}, {"c"}}}},
    {"12:30", {.words = {{"12:30"}}}},
    {"-x", {.words = {{"-x"}}}},
    {"a>b age", {.words = {{"a>b"}, {"age"}}}},
    {"größe", {.words = {{"größe"}}}},
    {"x');DROP", {.words = {{"x');DROP"}}}},
    {"queue:mail type:x state:dead age>5m tag:a error:timeout free words \"quoted phrase\"",
     {.queue = "mail",
      .type = "x",
      .states = {State::dead},
      .tags = {"a"},
      .finished_before = now - 5min,
      .words = {{"free"}, {"words"}, {"quoted phrase"}},
      .errors = {"timeout"}}},
};

TEST(QueryTest, ReadsWhatPeopleType) {
    for (const Good& each : good) {
        const auto filter = parse_query(each.text, now);
        ASSERT_TRUE(filter) << each.text << ": " << filter.error().message();
        EXPECT_EQ(*filter, each.filter) << each.text;
    }
}

TEST(QueryTest, WritesWhatItReadsBack) {
    for (const Good& each : good) {
        const std::string text = format_query(each.filter, now);
        const auto again = parse_query(text, now);
        ASSERT_TRUE(again) << text << ": " << again.error().message();
        EXPECT_EQ(*again, each.filter) << text;
    }
}

struct Bad {
    std::string_view text;
    std::string_view error;
};

constexpr Bad bad[] = {
    {"queu:mail",
     "unknown key queu: (did you mean queue?); to search for the text, quote it: "
     "\"queu:...\""},
    {"http://example.com", "unknown key http:; to search for the text, quote it: \"http:...\""},
    {"queue:", "queue: needs a value after the colon"},
    {"queue:\"\"", "queue: needs a value after the colon"},
    {"queue: mail", "queue: needs a value after the colon"},
    {"queue:a queue:b", "queue: is given twice, a and b"},
    {"state:pending", "state:pending is not one of completed, failed, dead, cancelled"},
    {"state:daed",
     "state:daed is not one of completed, failed, dead, cancelled (did you mean dead?)"},
    {"state:dead,", "state: is not one of completed, failed, dead, cancelled"},
    {"age:5m", "age: needs a sign, like age>5m or age<1h"},
    {"age>", "age: needs a value after the colon"},
    {"age>5", ""},
    {"age>5m age>6m", "age> is given twice"},
    {"age>100y", ""},
    {"age>20000d", "age>20000d is before 1970"},
    {"args:42", "args: needs a field, like args.user.id:42"},
    {"args.:42", "args.: has an empty name between its dots"},
    {"args.a..b:42", "args.a..b: has an empty name between its dots"},
    {"args.1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17:1",
     "args.1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17: is deeper than 16 names"},
    {"\"open", "the quote at position 1 is never closed"},
    {"\"open\\\"", "the quote at position 1 is never closed"},
    {"a \"b\"c",
     "a quote and a word meet at \"b\", put a blank between them or \\ before a quote "
     "that is meant"},
    {"a\"b\"",
     "a quote and a word meet at \"a\", put a blank between them or \\ before a quote "
     "that is meant"},
    {"queue:a\"b",
     "a quote and a word meet at \"a\\\"b\", put a blank between them or \\ before a "
     "quote that is meant"},
    {"***", "\"**\" has no letter or digit to search for"},
    {"error:--", "error:\"--\" has no letter or digit to search for"},
    {"\xff", "query is not valid UTF-8"},
    {std::string_view("a\0b", 3), "query has the control character 0x00 at position 2"},
};

TEST(QueryTest, SaysWhatIsWrongWithTheTermAndWhatWouldBeRight) {
    for (const Bad& each : bad) {
        const auto filter = parse_query(each.text, now);
        ASSERT_FALSE(filter) << each.text;
        EXPECT_EQ(filter.error().code(), Errc::invalid_argument) << each.text;
        if (!each.error.empty()) {
            EXPECT_EQ(filter.error().message(), each.error) << each.text;
        }
    }
}

TEST(QueryTest, IsBoundedInBytesAndTerms) {
    EXPECT_TRUE(parse_query(std::string(4096, 'x'), now));
    EXPECT_FALSE(parse_query(std::string(4097, 'x'), now));
    std::string terms;
    for (int i = 0; i < 32; ++i)
        terms += "x ";
    EXPECT_TRUE(parse_query(terms, now));
    EXPECT_FALSE(parse_query(terms + "x", now));
}

TEST(JobQueryTest, KnowsTheStatesOfJobsThatAreNotFinished) {
    const auto query = parse_job_query("state:pending,dead state:processing queue:q", now);

    ASSERT_TRUE(query);
    EXPECT_EQ(query->open_states, (std::vector{OpenState::pending, OpenState::processing}));
    EXPECT_EQ(query->filter, (HistoryFilter{.queue = "q", .states = {State::dead}}));
    EXPECT_EQ(
        parse_job_query("state:pendin", now).error().message(),
        "state:pendin is not one of pending, scheduled, processing, completed, failed, dead, "
        "cancelled (did you mean pending?)"
    );
    EXPECT_FALSE(parse_job_query("\"", now));
    EXPECT_FALSE(parse_job_query("\xff", now));
}

}  // namespace
}  // namespace tranter::history
