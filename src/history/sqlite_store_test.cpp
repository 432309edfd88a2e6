#include "history/sqlite_store.hpp"

#include "history/query.hpp"
#include "history/rows.hpp"
#include "history/test_entries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace tranter::history {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class SqliteStoreTest : public testing::Test {
  protected:
    std::unique_ptr<SqliteStore> open(HistoryOptions options = {}) {
        options.path = folder_.file();
        return std::make_unique<SqliteStore>(std::move(options), clock_);
    }

    Result<> put(HistoryStore& store, std::uint64_t first, std::uint64_t count) {
        std::vector<JobEntry> entries;
        for (std::uint64_t number = first; number < first + count; ++number)
            entries.push_back(test_entry(number, clock_.now()));
        return store.put(entries);
    }

    std::size_t matches(HistoryStore& store, std::string_view query) {
        const auto page = store.list(*parse_query(query, clock_.now()), {.entries_max = 1000});
        EXPECT_TRUE(page) << page.error().message();
        return page ? page->entries.size() : 0;
    }

    std::int64_t ask_file(ConstantSql sql) {
        return Database(folder_.file(), Database::Mode::read).integer(sql);
    }

    TestFolder folder_;
    TestClock clock_;
};

TEST_F(SqliteStoreTest, HasEverythingAgainAfterARestart) {
    ASSERT_TRUE(put(*open(), 0, 100));
    {
        const auto store = open();
        maintain_all(*store);
        ASSERT_TRUE(put(*store, 50, 100));
    }
    const auto store = open();

    EXPECT_EQ(store->figures().entries, 150U);
    EXPECT_EQ(matches(*store, "number queue:mail"), 150U);
    EXPECT_TRUE(store->find(test_id(149))->has_value());
    ASSERT_TRUE(put(*store, 0, 150));
    EXPECT_EQ(store->figures().entries, 150U);
}

TEST_F(SqliteStoreTest, BringsAnOldFileToANewVersion) {
    const auto first = migrations().front();
    const std::array both = {
        first, Migration("ALTER TABLE entry ADD COLUMN colour TEXT DEFAULT 'red'")};
    ASSERT_TRUE(put(*open(), 0, 10));

    SqliteStore store({.path = folder_.file()}, clock_, both);

    EXPECT_EQ(store.figures().entries, 10U);
    EXPECT_TRUE(put(store, 10, 1));
    EXPECT_EQ(ask_file("PRAGMA user_version"), 2);
    EXPECT_EQ(ask_file("SELECT count(*) FROM entry WHERE colour='red'"), 11);
}

TEST_F(SqliteStoreTest, LeavesAFileAloneWhoseMigrationFails) {
    const std::array both = {
        migrations().front(), Migration("ALTER TABLE entry ADD COLUMN colour; nonsense")};
    ASSERT_TRUE(put(*open(), 0, 10));

    EXPECT_THROW(SqliteStore({.path = folder_.file()}, clock_, both), SystemError);

    EXPECT_EQ(ask_file("PRAGMA user_version"), 1);
    EXPECT_EQ(open()->figures().entries, 10U);
}

TEST_F(SqliteStoreTest, RefusesAFileOfANewerProgramOrOfAnother) {
    open();
    Database(folder_.file(), Database::Mode::write).execute("PRAGMA user_version = 9");
    try {
        open();
        FAIL();
    } catch (const SystemError& error) {
        EXPECT_THAT(error.what(), HasSubstr("schema version 9, this program knows 1"));
    }
    Database(folder_.file(), Database::Mode::write).execute("PRAGMA application_id = 1");
    EXPECT_THROW(open(), SystemError);
    EXPECT_THAT(folder_.files_with("damaged"), SizeIs(0));
}

TEST_F(SqliteStoreTest, SaysWhichFileCannotBeOpened) {
    try {
        open_history({.path = "/nowhere/history.db"}, clock_);
        FAIL();
    } catch (const SystemError& error) {
        EXPECT_THAT(error.what(), HasSubstr("cannot open the history /nowhere/history.db: "));
    }
}

TEST_F(SqliteStoreTest, MovesADamagedFileAsideAndBeginsAnew) {
    std::ofstream(folder_.file()) << std::string(20'000, 'x');

    const auto store = open();

    EXPECT_THAT(folder_.files_with("history.db.damaged-"), SizeIs(1));
    ASSERT_TRUE(put(*store, 0, 3));
    EXPECT_EQ(matches(*store, ""), 3U);
}

TEST_F(SqliteStoreTest, NoticesDamageWhileItIsInUse) {
    HistoryOptions options;
    options.entries_per_queue_max = 100'000;
    ASSERT_TRUE(put(*open(options), 0, 3'000));
    const auto bytes = std::filesystem::file_size(folder_.file());
    {
        // everything but the first page, which has the schema, and the small tables next to it
        std::fstream file(folder_.file(), std::ios::in | std::ios::out | std::ios::binary);
        const std::uintmax_t skipped = bytes / 2;
        file.seekp(static_cast<std::streamoff>(skipped));
        file << std::string(bytes - skipped, 'x');
    }
    auto store = open(options);

    for (int i = 0; i < 3; ++i)
        static_cast<void>(store->list({}, {.entries_max = 1000}));
    for (std::uint64_t number = 0; number < 3'000; number += 100)
        static_cast<void>(store->find(test_id(number)));
    static_cast<void>(store->remove(HistoryFilter{}));

    EXPECT_THAT(folder_.files_with("history.db.damaged-"), testing::Not(testing::IsEmpty()));
    EXPECT_TRUE(put(*store, 5'000, 3));
    EXPECT_EQ(matches(*store, ""), 3U);
    store.reset();
    EXPECT_EQ(open(options)->figures().entries, 3U);
}

TEST_F(SqliteStoreTest, RefusesEntriesWhenTheSpaceIsUsedUpAndGoesOnAfterwards) {
    HistoryOptions options;
    options.file_bytes_max = 1 << 20;
    const auto store = open(options);
    JobEntry large = test_entry(0, clock_.now());
    large.payload.assign(100'000, '1');
    Result<> done;

    std::uint64_t stored = 0;
    while (true) {
        large.id = test_id(stored);
        done = store->put({&large, 1});
        if (!done) break;
        ++stored;
        ASSERT_LT(stored, 100U);
    }

    EXPECT_EQ(done.error().code(), Errc::limit_exceeded);
    EXPECT_THAT(done.error().message(), HasSubstr("no space left for the history"));
    EXPECT_EQ(store->figures().entries, stored);
    EXPECT_EQ(matches(*store, ""), stored);
    EXPECT_FALSE(store->find(test_id(stored))->has_value());
    EXPECT_EQ(store->remove(HistoryFilter{}), stored);
    EXPECT_TRUE(store->put({&large, 1}));
}

TEST_F(SqliteStoreTest, AnswersReadersWhileOthersWrite) {
    const auto store = open();
    ASSERT_TRUE(put(*store, 0, 100));
    std::atomic<bool> done{false};
    std::latch reading(2);
    std::vector<std::thread> readers;
    for (const std::string_view query : {"number queue:mail", "state:completed"}) {
        readers.emplace_back([&, query] {
            reading.count_down();
            while (!done) {
                EXPECT_GE(matches(*store, query), 100U);
                EXPECT_TRUE(store->find(test_id(7))->has_value());
                EXPECT_TRUE(store->count({.by_queue = true}));
            }
        });
    }
    reading.wait();

    for (std::uint64_t number = 100; number < 4'000; number += 100) {
        ASSERT_TRUE(put(*store, number, 100));
        if (number % 500 == 0) {
            EXPECT_TRUE(store->maintain());
        }
    }

    done = true;
    for (std::thread& reader : readers)
        reader.join();
    EXPECT_EQ(store->figures().entries, 4'000U);
}

/// Several text indexes, dropped and merged as their entries go, and always right.
TEST_F(SqliteStoreTest, DropsAndMergesTextIndexesWhoseEntriesAreGone) {
    HistoryOptions options;
    options.entries_per_queue_max = 100'000;
    options.text_index_entries = 1;  // one span each
    const auto store = open(options);
    for (std::uint64_t part = 0; part < 5; ++part) {
        std::vector<JobEntry> entries;
        for (std::uint64_t i = 0; i < 8'192; ++i) {
            entries.push_back(test_entry(part * 10'000 + i, clock_.now()));
            entries.back().queue = i % 16 == 0 ? "quiet" : "busy";
            entries.back().group = fmt::format("tenant-{}", i % 1000);
            entries.back().tags = {"all", fmt::format("part={}", part)};
        }
        ASSERT_TRUE(store->put(entries));
        maintain_all(*store);
    }
    EXPECT_EQ(ask_file("SELECT count(*) FROM text_index"), 6);
    EXPECT_EQ(matches(*store, "number args.number:30017"), 1U);
    EXPECT_EQ(matches(*store, "group:tenant-17"), 45U);
    EXPECT_EQ(matches(*store, "group:tenant-17 tag:part=3 tag:all number"), 9U);
    EXPECT_EQ(matches(*store, "group:Tenant-17"), 0U);
    EXPECT_EQ(matches(*store, "g* group:tenant-17"), 0U);

    ASSERT_EQ(store->remove({.queue = "busy"}), 5U * 15 * 512);
    maintain_all(*store);

    EXPECT_LE(ask_file("SELECT count(*) FROM text_index"), 3);
    EXPECT_EQ(matches(*store, "args.number:30016"), 1U);
    EXPECT_EQ(matches(*store, "args.number:30017"), 0U);
    EXPECT_EQ(ask_file("SELECT count(*) FROM entry_id"), 5 * 512);
    EXPECT_EQ(ask_file("SELECT count(*) FROM entry_id_gone"), 0);
    ASSERT_EQ(store->remove(HistoryFilter{}), 5U * 512);
    maintain_all(*store);
    EXPECT_LE(ask_file("SELECT count(*) FROM text_index"), 1);
    EXPECT_EQ(ask_file("SELECT count(*) FROM tally"), 0);
    EXPECT_EQ(ask_file("SELECT count(*) FROM span"), 0);
}

}  // namespace
}  // namespace tranter::history
