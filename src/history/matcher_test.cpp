#include "history/matcher.hpp"

#include "history/test_entries.hpp"

#include <gtest/gtest.h>

namespace tranter::history {
namespace {

JobEntry sample() {
    JobEntry entry = test_entry(1, Instant(std::chrono::hours(1)));
    entry.payload = R"({"user":{"id":42},"text":"Gr\u00fc\u00dfe an alle"})";
    entry.group = "acme";
    entry.tags = {"a", "b=1"};
    entry.errors.push_back({.attempt = 1, .type = "Timeout", .text = "connection refused"});
    entry.log.append("started late");
    return entry;
}

bool matches(HistoryFilter filter) {
    return Matcher(std::move(filter)).matches(sample());
}

TEST(MatcherTest, ComparesEveryField) {
    EXPECT_TRUE(matches({}));
    EXPECT_TRUE(matches({.queue = "mail", .type = "mail:send", .group = "acme", .tags = {"b=1"}}));
    EXPECT_FALSE(matches({.queue = "other"}));
    EXPECT_FALSE(matches({.type = "mail"}));
    EXPECT_FALSE(matches({.group = ""}));
    EXPECT_FALSE(matches({.tags = {"a", "c"}}));
    EXPECT_TRUE(matches({.arguments = {{.path = {"user", "id"}, .value = "42"}}}));
    EXPECT_FALSE(matches({.arguments = {{.path = {"user", "id"}, .value = "4"}}}));
}

TEST(MatcherTest, FindsWordsAsTheStoreDoes) {
    EXPECT_TRUE(matches({.words = {{.text = "gruße AN"}}}));
    EXPECT_TRUE(matches({.words = {{.text = "star", .prefix = true}, {.text = "refused"}}}));
    EXPECT_FALSE(matches({.words = {{.text = "star"}}}));
    EXPECT_TRUE(matches({.errors = {"connection ref"}}));
    EXPECT_FALSE(matches({.errors = {"started"}}));
}

/// The same entry, asked of a store and of a matcher.
TEST(MatcherTest, AgreesWithTheStore) {
    const TestClock clock;
    const auto store = open_history({}, clock);
    const JobEntry entry = sample();
    ASSERT_TRUE(store->put({&entry, 1}));
    const HistoryFilter filters[] = {
        {.words = {{.text = "alle"}}},
        {.words = {{.text = "all"}}},
        {.words = {{.text = "user id 42"}}},
        {.words = {{.text = "..."}}},
        {.tags = {"b"}},
        {.group = "acme", .errors = {"timeout"}},
        {.arguments = {{.path = {"text"}, .value = "Grüße an alle"}}}};

    for (const HistoryFilter& filter : filters) {
        const auto page = store->list(filter, {});
        ASSERT_TRUE(page);
        EXPECT_EQ(Matcher(filter).matches(entry), !page->entries.empty());
    }
}

}  // namespace
}  // namespace tranter::history
