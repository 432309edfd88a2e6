// What any store has to do, in memory and in a file, before and after the text index has caught up.
#include "history/store.hpp"

#include "history/query.hpp"
#include "history/test_entries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::history {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct Kind {
    std::string_view name;
    bool file = false;
    bool indexed = false;
};

class StoreTest : public testing::TestWithParam<Kind> {
  protected:
    void SetUp() override { open({}); }

    void open(HistoryOptions options) {
        store_.reset();
        if (GetParam().file) options.path = folder_.file();
        store_ = open_history(options, clock_);
    }

    void put(const std::vector<JobEntry>& entries) {
        const auto done = store_->put(entries);
        ASSERT_TRUE(done) << done.error().message();
        if (GetParam().indexed) maintain_all(*store_);
    }

    JobEntry entry(std::uint64_t number) { return test_entry(number, clock_.now()); }

    std::vector<std::string> search(std::string_view query) {
        const auto filter = parse_query(query, clock_.now());
        EXPECT_TRUE(filter) << filter.error().message();
        const auto page = store_->list(*filter, {});
        EXPECT_TRUE(page) << page.error().message();
        return ids_of(*page);
    }

    TestFolder folder_;
    TestClock clock_;
    std::unique_ptr<HistoryStore> store_;
};

INSTANTIATE_TEST_SUITE_P(
    Stores,
    StoreTest,
    testing::Values(
        Kind{"Memory"},
        Kind{"MemoryIndexed", false, true},
        Kind{"File", true},
        Kind{"FileIndexed", true, true}
    ),
    [](const auto& kind) { return std::string(kind.param.name); }
);

TEST_P(StoreTest, KeepsEverythingOfAnEntry) {
    JobEntry entry = this->entry(7);
    entry.state = State::dead;
    entry.attempt = 3;
    entry.attempts_max = 5;
    entry.priority = 2;
    entry.group = "acme";
    entry.tags = {"customer=42", "\"quoted\"", "customer=42"};
    entry.dedup_key = "once";
    entry.scheduled = clock_.now() - 2s;
    entry.started = clock_.now() - 1s;
    entry.result = R"({"ok":false})";
    entry.errors = {{2, clock_.now(), "TimeoutError", "a \"b\"\n\x01"}, {3, clock_.now(), "", ""}};
    entry.progress = "50";
    entry.log.append("one\n\ntwo");
    entry.log.add_dropped(9);
    entry.worker = "worker-1";

    put({entry});

    const auto found = store_->find(entry.id);
    ASSERT_TRUE(found && found->has_value());
    EXPECT_EQ(**found, entry);
    entry.log = {};
    EXPECT_THAT(store_->list({}, {})->entries, ElementsAre(entry));
}

TEST_P(StoreTest, FindsIdsThatAreNoUuids) {
    std::vector<JobEntry> entries;
    for (const std::string_view id :
         {"1", "", "A0000000-0000-4000-8000-000000000001", "0123456789abcde", "0123456789abcdef"}) {
        entries.push_back(entry(0));
        entries.back().id = id;
    }
    put(entries);
    for (const JobEntry& entry : entries)
        EXPECT_EQ(store_->find(entry.id)->value().id, entry.id);
    EXPECT_FALSE(store_->find("2")->has_value());
    EXPECT_FALSE(store_->find("a0000000-0000-4000-8000-000000000001")->has_value());
}

TEST_P(StoreTest, TellsTheEndsOfMany) {
    JobEntry dead = test_entry(1, clock_.now());
    dead.state = State::dead;
    JobEntry named = test_entry(2, clock_.now() + std::chrono::seconds(1));
    named.id = "no uuid";
    ASSERT_TRUE(store_->put({&dead, 1}));
    maintain_all(*store_);
    ASSERT_TRUE(store_->put({&named, 1}));

    const std::vector<std::string> ids{test_id(1), "no uuid", test_id(3)};
    const auto ends = store_->ends_of(ids);

    ASSERT_TRUE(ends);
    EXPECT_THAT(
        *ends,
        ElementsAre(
            JobEnd{.state = State::dead, .finished = dead.finished},
            JobEnd{.state = State::completed, .finished = named.finished},
            std::nullopt
        )
    );
}

TEST_P(StoreTest, KeepsTheLastTenErrorsOnly) {
    JobEntry entry = this->entry(1);
    for (std::uint32_t attempt = 1; attempt <= 12; ++attempt)
        entry.errors.push_back({attempt, clock_.now(), "E", "text"});

    put({entry});

    const auto errors = store_->find(entry.id)->value().errors;
    ASSERT_EQ(errors.size(), attempt_errors_max);
    EXPECT_EQ(errors.front().attempt, 3U);
}

TEST_P(StoreTest, RefusesAResultThatIsTooLong) {
    JobEntry entry = this->entry(1);
    entry.result.assign(result_bytes_max + 1, '1');

    const auto done = store_->put({&entry, 1});

    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Errc::invalid_argument);
    EXPECT_THAT(done.error().message(), testing::HasSubstr("262145 bytes, limit is 262144"));
}

TEST_P(StoreTest, HasOneEntryPerJobTheLatest) {
    JobEntry failed = entry(1);
    failed.state = State::failed;
    failed.payload = R"("first")";
    JobEntry completed = entry(1);
    completed.attempt = 2;
    completed.payload = R"("second")";
    completed.finished += Duration(1);
    completed.reason = "because";
    completed.options = R"({"priority":1})";

    put({failed, entry(2)});
    put({completed});
    put({failed});

    EXPECT_EQ(search(""), (std::vector{test_id(1), test_id(2)}));
    EXPECT_EQ(store_->find(test_id(1))->value(), completed);
    EXPECT_THAT(search("first"), IsEmpty());
    EXPECT_THAT(search("state:failed"), IsEmpty());
    EXPECT_EQ(store_->figures().entries, 2U);
}

/// Retried by hand, a job begins at its first attempt again.
TEST_P(StoreTest, OfTwoEndsAtOnceTheOneThatComesLaterCounts) {
    JobEntry dead = entry(1);
    dead.state = State::dead;
    dead.attempt = 3;
    JobEntry completed = entry(1);

    put({dead});
    put({completed});

    EXPECT_EQ(store_->find(test_id(1))->value(), completed);
}

TEST_P(StoreTest, ListsNewestFirstByEveryFilter) {
    std::vector<JobEntry> entries;
    for (std::uint64_t number = 0; number < 8; ++number) {
        entries.push_back(entry(number));
        clock_.advance(1min);
    }
    entries[1].queue = entries[2].queue = "other";
    entries[3].type = "mail:bounce";
    entries[4].state = State::dead;
    entries[4].errors = {{1, clock_.now(), "TimeoutError", "connection refused by db-1"}};
    entries[5].state = State::failed;
    entries[5].group = "acme";
    entries[6].tags = {"a", "b=c"};
    entries[6].log.append("the log says needle");
    entries[7].tags = {"a"};
    entries[7].result = R"({"text":"a result"})";
    entries[7].payload = R"({"user":{"id":42},"note":"two words"})";
    put(entries);

    const auto ids = [](std::initializer_list<std::uint64_t> numbers) {
        std::vector<std::string> all;
        for (const std::uint64_t number : numbers)
            all.push_back(test_id(number));
        return all;
    };
    EXPECT_EQ(search(""), ids({7, 6, 5, 4, 3, 2, 1, 0}));
    EXPECT_EQ(search("queue:other"), ids({2, 1}));
    EXPECT_EQ(search("queue:unknown"), ids({}));
    EXPECT_EQ(search("queue:mail type:mail:bounce"), ids({3}));
    EXPECT_EQ(search("queue:other type:mail:bounce"), ids({}));
    EXPECT_EQ(search("type:mail:send queue:mail state:completed"), ids({7, 6, 0}));
    EXPECT_EQ(search("state:dead,failed"), ids({5, 4}));
    EXPECT_EQ(search("state:cancelled"), ids({}));
    EXPECT_EQ(search("group:acme"), ids({5}));
    EXPECT_EQ(search("tag:a"), ids({7, 6}));
    EXPECT_EQ(search("tag:a tag:b=c"), ids({6}));
    EXPECT_EQ(search("age>6m"), ids({1, 0}));
    EXPECT_EQ(search("age<2m"), ids({7, 6}));
    EXPECT_EQ(search("age>1m age<3m"), ids({6, 5}));
    EXPECT_EQ(search("error:timeout"), ids({4}));
    EXPECT_EQ(search("error:\"connection refused\""), ids({4}));
    EXPECT_EQ(search("error:needle"), ids({}));
    EXPECT_EQ(search("needle"), ids({6}));
    EXPECT_EQ(search("result"), ids({7}));
    EXPECT_EQ(search("\"two words\" user"), ids({7}));
    EXPECT_EQ(search("\"words two\""), ids({}));
    EXPECT_EQ(search("args.user.id:42"), ids({7}));
    EXPECT_EQ(search("args.number:3"), ids({3}));
    EXPECT_EQ(search("number queue:other"), ids({2, 1}));
    EXPECT_EQ(search("num* tag:a state:completed"), ids({6}));
}

TEST_P(StoreTest, TakesSyntaxOfSqlForText) {
    const std::string evil = "x' OR 1=1; DROP TABLE entry; --";
    JobEntry entry = this->entry(1);
    entry.queue = entry.type = entry.group = evil;
    entry.tags = {evil};
    entry.payload = R"({"a'b":"x' OR 1=1; DROP TABLE entry; --"})";
    put({entry, this->entry(2)});

    HistoryFilter filter;
    for (auto* field : {&filter.queue, &filter.type, &filter.group}) {
        filter = {};
        *field = evil;
        EXPECT_THAT(ids_of(*store_->list(filter, {})), ElementsAre(entry.id));
    }
    filter = {};
    filter.tags = {evil};
    filter.words = {{evil}};
    filter.arguments = {{{"a'b"}, evil}};
    EXPECT_THAT(ids_of(*store_->list(filter, {})), ElementsAre(entry.id));
    EXPECT_EQ(store_->list({}, {})->entries.size(), 2U);
}

TEST_P(StoreTest, EndsAPageEarlyWhenItsTextsAreLong) {
    std::vector<JobEntry> entries;
    for (std::uint64_t number = 0; number < 4; ++number) {
        entries.push_back(entry(number));
        entries.back().payload.assign(1000, '1');
    }
    put(entries);

    const auto page = store_->list({}, {.bytes_max = 1500});

    EXPECT_EQ(ids_of(*page), (std::vector{test_id(3), test_id(2)}));
    const auto rest = store_->list({}, {.cursor = page->next});
    EXPECT_EQ(ids_of(*rest), (std::vector{test_id(1), test_id(0)}));
    EXPECT_EQ(rest->next, "");
}

TEST_P(StoreTest, RefusesACursorOfSomebodyElseAndAPageWithoutEnd) {
    for (const std::string_view cursor :
         {"x",
          "h1",
          "h1000000000000000g",
          "h1ffffffffffffffff",
          "h10000000000000000",
          "H10000000000000001"}) {
        const auto page = store_->list({}, {.cursor = std::string(cursor)});
        ASSERT_FALSE(page) << cursor;
        EXPECT_EQ(page.error().code(), Errc::invalid_argument);
    }
    EXPECT_FALSE(store_->list({}, {.entries_max = 0}));
    EXPECT_FALSE(store_->list({}, {.entries_max = 1001}));
}

/// Between pages entries come, change and go; who was there from the start and stays is on exactly
/// one page, who came later on none.
TEST_P(StoreTest, PagesNeitherRepeatNorMissAnEntryWhateverHappensBetweenThem) {
    std::mt19937 random(GetParam().name.size());
    std::uint64_t next = 0;
    const auto some = [&](std::size_t count) {
        std::vector<JobEntry> entries;
        for (std::size_t i = 0; i < count; ++i) {
            JobEntry entry = this->entry(next++);
            entry.finished -= Duration(random() % 1'000'000'000);
            entry.queue = random() % 3 == 0 ? "other" : "mail";
            entry.state = all_states[random() % all_states.size()];
            if (random() % 2 == 0) entry.payload = R"("a needle in it")";
            entries.push_back(std::move(entry));
        }
        return entries;
    };
    for (const std::string_view query : {"", "queue:mail", "needle", "state:dead,failed needle"}) {
        put(some(60));
        const auto filter = parse_query(query, clock_.now());
        std::set<std::string> there;
        const auto all = store_->list(*filter, {.entries_max = 1000});
        for (const JobEntry& entry : all->entries)
            there.insert(entry.id);
        std::set<std::string> removed;
        std::set<std::string> seen;
        std::string cursor;
        do {
            const auto page =
                store_->list(*filter, {.entries_max = 1 + random() % 7, .cursor = cursor});
            ASSERT_TRUE(page);
            for (const JobEntry& entry : page->entries) {
                EXPECT_TRUE(seen.insert(entry.id).second) << "twice: " << entry.id;
                EXPECT_TRUE(there.contains(entry.id)) << "came later: " << entry.id;
            }
            cursor = page->next;
            put(some(random() % 5));
            if (random() % 4 == 0) {
                ASSERT_TRUE(store_->maintain());
            }
            const std::string victim = test_id(random() % next);
            const auto found = store_->find(victim);
            if (found->has_value() && random() % 2 == 0) {
                JobEntry again = **found;  // the same job ends once more: a new entry
                again.attempt += 1;
                put({again});
                removed.insert(victim);
            }
        } while (!cursor.empty());
        for (const std::string& id : there)
            EXPECT_TRUE(seen.contains(id) || removed.contains(id)) << "missed: " << id;
    }
}

TEST_P(StoreTest, KeepsTheNewestOfEachQueueWithinItsBound) {
    open({.entries_per_queue_max = 10});
    for (std::uint64_t number = 0; number < 100; number += 5) {
        std::vector<JobEntry> entries;
        for (std::uint64_t i = number; i < number + 5; ++i) {
            entries.push_back(entry(i));
            entries.back().state = all_states[i % all_states.size()];
            entries.back().log.append("logged");
            entries.back().tags = {"a"};
            if (i < 3) entries.back().queue = "quiet";
        }
        put(entries);
        EXPECT_LE(store_->figures().entries, 13U);
    }

    EXPECT_EQ(search("queue:quiet").size(), 3U);
    EXPECT_EQ(search("queue:mail tag:a logged").size(), 10U);
    EXPECT_EQ(search("queue:mail").back(), test_id(90));
    EXPECT_FALSE(store_->find(test_id(89))->has_value());
    EXPECT_TRUE(store_->find(test_id(90))->has_value());
}

TEST_P(StoreTest, RemovesWhatIsTooOld) {
    open({.age_max = 10min});
    put({entry(1)});
    clock_.advance(6min);
    JobEntry late = entry(2);
    late.finished -= 5min;
    put({late, entry(3)});

    clock_.advance(6min);
    maintain_all(*store_);

    EXPECT_EQ(search(""), std::vector{test_id(3)});
    clock_.advance(1h);
    maintain_all(*store_);
    EXPECT_EQ(store_->figures().entries, 0U);
}

TEST_P(StoreTest, CountsByQueueTypeStateAndTime) {
    std::vector<JobEntry> entries;
    const Instant begin = clock_.now();
    for (std::uint64_t number = 0; number < 6; ++number) {
        entries.push_back(entry(number));
        clock_.advance(1min);
    }
    entries[0].state = State::dead;
    entries[1].queue = "other";
    entries[2].type = "x";
    put(entries);

    const auto rows = [&](const CountRequest& request) {
        return *store_->count(request);
    };
    EXPECT_THAT(rows({}), ElementsAre(CountRow{.entries = 6}));
    EXPECT_THAT(
        rows({.by_queue = true, .by_state = true}),
        ElementsAre(
            CountRow{.queue = "mail", .state = State::completed, .entries = 4},
            CountRow{.queue = "mail", .state = State::dead, .entries = 1},
            CountRow{.queue = "other", .state = State::completed, .entries = 1}
        )
    );
    EXPECT_THAT(rows({.type = "x"}), ElementsAre(CountRow{.entries = 1}));
    EXPECT_THAT(rows({.queue = "unknown"}), IsEmpty());
    EXPECT_THAT(
        rows({.finished_from = begin + 1min, .finished_before = begin + 5min, .bucket = 2min}),
        ElementsAre(
            CountRow{.bucket = begin, .entries = 1},
            CountRow{.bucket = begin + 2min, .entries = 2},
            CountRow{.bucket = begin + 4min, .entries = 1}
        )
    );
    ASSERT_EQ(store_->remove({.queue = "other"}), 1U);
    EXPECT_THAT(
        rows({.states = {State::completed}, .by_type = true}),
        ElementsAre(
            CountRow{.type = "mail:send", .entries = 3}, CountRow{.type = "x", .entries = 1}
        )
    );
}

TEST_P(StoreTest, RemovesOneByItsId) {
    open({});
    put({entry(1), entry(2), entry(3)});
    maintain_all(*store_);  // these are in the index of ids, the next is not yet
    put({entry(4)});

    EXPECT_EQ(store_->remove(test_id(2)), true);
    EXPECT_EQ(store_->remove(test_id(4)), true);
    EXPECT_EQ(store_->remove(test_id(4)), false);

    EXPECT_EQ(search(""), (std::vector{test_id(3), test_id(1)}));
    EXPECT_FALSE(store_->find(test_id(2))->has_value());
    EXPECT_EQ(store_->figures().entries, 2U);
    put({entry(2)});
    EXPECT_TRUE(store_->find(test_id(2))->has_value());
}

TEST_P(StoreTest, RemovesByFilter) {
    std::vector<JobEntry> entries;
    for (std::uint64_t number = 0; number < 2500; ++number) {
        entries.push_back(entry(number));
        entries.back().queue = number % 5 == 0 ? "keep" : "go";
    }
    open({.entries_per_queue_max = 5000});
    put(entries);

    EXPECT_EQ(store_->remove({.queue = "go"}), 2000U);
    EXPECT_EQ(store_->remove({.queue = "go"}), 0U);
    maintain_all(*store_);

    EXPECT_EQ(store_->figures().entries, 500U);
    EXPECT_FALSE(store_->find(test_id(1))->has_value());
    EXPECT_TRUE(store_->find(test_id(5))->has_value());
    put({entries[1]});
    EXPECT_TRUE(store_->find(test_id(1))->has_value());
    EXPECT_EQ(store_->remove(HistoryFilter{}), 501U);
    EXPECT_THAT(*store_->count({}), IsEmpty());
}

}  // namespace
}  // namespace tranter::history
