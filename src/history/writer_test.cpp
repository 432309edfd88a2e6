#include "history/writer.hpp"

#include "history/test_entries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

namespace tranter::history {
namespace {

/// Takes batches when the test lets it.
class HeldStore final : public HistoryStore {
  public:
    Result<> put(std::span<const JobEntry> entries) override {
        entered.release();
        gate.acquire();
        const std::lock_guard lock(mutex_);
        for (const JobEntry& entry : entries) {
            if (entry.result == "wrong") return fail(Errc::invalid_argument, "wrong");
            ids_.push_back(entry.id);
        }
        return {};
    }
    Result<std::optional<JobEntry>> find(std::string_view /*id*/) override { return std::nullopt; }
    Result<std::vector<std::optional<JobEnd>>> ends_of(std::span<const std::string> ids) override {
        return std::vector<std::optional<JobEnd>>(ids.size());
    }
    Result<Page> list(const HistoryFilter& /*filter*/, const PageRequest& /*request*/) override {
        return Page{};
    }
    Result<std::vector<CountRow>> count(const CountRequest& /*request*/) override {
        return std::vector<CountRow>{};
    }
    Result<std::uint64_t> remove(const HistoryFilter& /*filter*/) override { return 0; }
    Result<bool> remove(std::string_view /*id*/) override { return false; }
    Result<bool> maintain() override { return false; }
    HistoryFigures figures() override { return {}; }

    std::vector<std::string> ids() {
        const std::lock_guard lock(mutex_);
        return ids_;
    }

    std::counting_semaphore<> entered{0};
    std::counting_semaphore<> gate{0};

  private:
    std::mutex mutex_;
    std::vector<std::string> ids_;
};

TEST(HistoryWriterTest, FlushReturnsWhenEverythingIsInTheStore) {
    const TestClock clock;
    const auto store = open_history({}, clock);
    HistoryWriter writer(*store);

    for (std::uint64_t number = 0; number < 700; ++number)
        writer.add(test_entry(number, clock.now()));
    writer.flush();

    EXPECT_EQ(store->figures().entries, 700U);
    EXPECT_EQ(writer.figures().written, 700U);
    writer.flush();
}

TEST(HistoryWriterTest, WritesWhatWaitsBeforeItGoes) {
    const TestClock clock;
    const auto store = open_history({}, clock);

    HistoryWriter(*store).add(test_entry(1, clock.now()));

    EXPECT_EQ(store->figures().entries, 1U);
}

TEST(HistoryWriterTest, DropsTheOldestThatWaitWhenTheStoreDoesNotKeepUp) {
    HeldStore store;
    {
        HistoryWriter writer(store, {.queued_entries_max = 3});
        writer.add(test_entry(0, {}));
        std::thread flush([&] { writer.flush(); });
        store.entered.acquire();

        for (std::uint64_t number = 1; number <= 5; ++number)
            writer.add(test_entry(number, {}));

        EXPECT_EQ(writer.figures().dropped, 2U);
        EXPECT_EQ(writer.figures().queued, 3U);
        store.gate.release(2);
        flush.join();
    }
    EXPECT_EQ(store.ids(), (std::vector{test_id(0), test_id(3), test_id(4), test_id(5)}));
}

TEST(HistoryWriterTest, BoundsTheBytesThatWait) {
    HeldStore store;
    HistoryWriter writer(store, {.queued_bytes_max = 10'000});
    writer.add(test_entry(0, {}));
    std::thread flush([&] { writer.flush(); });
    store.entered.acquire();

    for (std::uint64_t number = 1; number <= 3; ++number) {
        JobEntry entry = test_entry(number, {});
        entry.payload.assign(6'000, '1');
        writer.add(std::move(entry));
    }

    EXPECT_EQ(writer.figures().dropped, 2U);
    store.gate.release(2);
    flush.join();
}

TEST(HistoryWriterTest, LosesOnlyTheEntryThatTheStoreFindsWrong) {
    HeldStore store;
    store.gate.release(100);
    HistoryWriter writer(store);
    for (std::uint64_t number = 0; number < 3; ++number) {
        JobEntry entry = test_entry(number, {});
        if (number == 1) entry.result = "wrong";
        writer.add(std::move(entry));
    }

    writer.flush();

    EXPECT_EQ(writer.figures().written, 2U);
    EXPECT_EQ(writer.figures().refused, 1U);
}

TEST(HistoryWriterTest, TakesEntriesFromManyThreads) {
    const TestClock clock;
    const auto store = open_history({.entries_per_queue_max = 10'000}, clock);
    HistoryWriter writer(*store);
    std::vector<std::thread> threads;

    for (std::uint64_t thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            for (std::uint64_t i = 0; i < 500; ++i)
                writer.add(test_entry(thread * 1000 + i, clock.now()));
            writer.flush();
        });
    }
    for (std::thread& thread : threads)
        thread.join();

    EXPECT_EQ(store->figures().entries, 2000U);
}

/// Makes its entries when they are asked for, and counts how often.
class CountedSource final : public EntrySource {
  public:
    explicit CountedSource(std::uint64_t first) : first_(first) {}

    std::string_view queue() const override { return "mail"; }
    std::size_t entries() const override { return 2; }
    std::size_t ends() const override { return 2; }
    std::size_t bytes() const override { return 100; }
    void append_to(std::vector<JobEntry>& out) const override {
        ++made;
        out.push_back(test_entry(first_, {}));
        out.push_back(test_entry(first_ + 1, {}));
    }
    std::optional<JobEntry> find(std::string_view id) const override {
        if (id == test_id(first_)) return test_entry(first_, {});
        return std::nullopt;
    }

    mutable std::atomic<int> made{0};

  private:
    const std::uint64_t first_;
};

TEST(HistoryWriterTest, EntriesAreMadeOnItsThreadAndFoundBefore) {
    HeldStore store;
    {
        HistoryWriter writer(store);
        const auto first = std::make_shared<const CountedSource>(10);
        const auto second = std::make_shared<const CountedSource>(20);
        writer.add(first);
        std::thread flush([&] { writer.flush(); });
        store.entered.acquire();
        writer.add(second);

        EXPECT_TRUE(writer.find(test_id(10))) << "which is being written";
        EXPECT_TRUE(writer.find(test_id(20))) << "which waits";
        EXPECT_FALSE(writer.find(test_id(30)));
        EXPECT_EQ(second->made, 0);
        EXPECT_EQ(writer.figures().queued, 2U);
        EXPECT_FALSE(writer.flush_for(std::chrono::milliseconds(0)));

        store.gate.release(2);
        writer.flush();
        EXPECT_FALSE(writer.find(test_id(10)));
        EXPECT_EQ(writer.figures().written, 4U);
        flush.join();
    }
    EXPECT_EQ(store.ids(), (std::vector{test_id(10), test_id(11), test_id(20), test_id(21)}));
}

TEST(HistoryWriterTest, FindsTheNewestOfMany) {
    HeldStore store;
    HistoryWriter writer(store);
    writer.add(test_entry(0, {}));
    std::thread flush([&] { writer.flush(); });
    store.entered.acquire();
    for (std::uint64_t number = 0; number < 300; ++number) {
        JobEntry entry = test_entry(number % 100, {});
        entry.attempt = static_cast<std::uint32_t>(number);
        writer.add(std::move(entry));
    }

    EXPECT_EQ(writer.find(test_id(7))->attempt, 207U);

    JobEntry overtaken = test_entry(7, {});
    overtaken.finished -= std::chrono::microseconds(1);
    overtaken.attempt = 1;
    writer.add(std::move(overtaken));
    EXPECT_EQ(writer.find(test_id(7))->attempt, 207U) << "which ended later";

    store.gate.release(100);
    flush.join();
}

JobEntry entry_in(const std::string& queue, std::uint64_t number, State state = State::completed) {
    JobEntry entry = test_entry(number, {});
    entry.queue = queue;
    entry.state = state;
    return entry;
}

TEST(HistoryWriterTest, DoesNotWriteWhatTheStoreWouldTrimAtOnce) {
    HeldStore store;
    store.gate.release(100);
    HistoryWriter writer(store, {.batch_wait = std::chrono::hours(1), .kept_per_queue = 2});
    writer.add(entry_in("quiet", 0));
    for (std::uint64_t number = 1; number <= 5; ++number)
        writer.add(entry_in("busy", number));

    EXPECT_EQ(writer.figures().outnumbered, 3U);
    EXPECT_EQ(writer.figures().queued, 3U);
    EXPECT_FALSE(writer.find(test_id(3)));
    EXPECT_TRUE(writer.find(test_id(4)));
    writer.flush();

    EXPECT_EQ(store.ids(), (std::vector{test_id(0), test_id(4), test_id(5)}));
    EXPECT_EQ(writer.figures().written, 3U);
}

TEST(HistoryWriterTest, AnAttemptThatFailedOutnumbersNothing) {
    HeldStore store;
    store.gate.release(100);
    HistoryWriter writer(store, {.batch_wait = std::chrono::hours(1), .kept_per_queue = 2});
    writer.add(entry_in("q", 1));
    // Its end replaces it, so that there is still room for the first.
    writer.add(entry_in("q", 2, State::failed));
    writer.add(entry_in("q", 2));
    EXPECT_EQ(writer.figures().outnumbered, 0U);

    writer.add(entry_in("q", 3));

    EXPECT_EQ(writer.figures().outnumbered, 2U);
    writer.flush();
    EXPECT_EQ(store.ids(), (std::vector{test_id(2), test_id(3)}));
}

TEST(HistoryWriterTest, FlushWaitsForWhatCameBeforeHoweverMuchIsOutnumbered) {
    HeldStore store;
    HistoryWriter writer(store, {.batch_wait = std::chrono::hours(1), .kept_per_queue = 1});
    writer.add(entry_in("quiet", 0));
    std::thread flush([&] { writer.flush(); });
    store.entered.acquire();

    for (std::uint64_t number = 1; number <= 5; ++number)
        writer.add(entry_in("busy", number));

    EXPECT_FALSE(writer.flush_for(std::chrono::milliseconds(0)));
    EXPECT_TRUE(writer.find(test_id(0)));
    store.gate.release(2);
    flush.join();
    EXPECT_FALSE(writer.find(test_id(0)));
}

}  // namespace
}  // namespace tranter::history
