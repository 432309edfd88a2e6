#include "log/compaction.hpp"

#include "base/log.hpp"
#include "log/scan.hpp"
#include "log/test_disk.hpp"
#include "log/threads.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace tranter::log {
namespace {

/// Keeps records whose body is in `live`.
class KeepLive final : public Keeper {
  public:
    void keep(Position, RecordType type, std::string_view body) override {
        if (live.contains(body)) log->append(type, body);
    }
    void settle() override { ++settled; }
    std::uint64_t live_bytes() const override { return live.size() * 1040; }

    Log* log = nullptr;
    std::set<std::string, std::less<>> live;
    int settled = 0;
};

class CompactionTest : public testing::Test {
  protected:
    CompactionTest() {
        set_component_log_level("log", LogLevel::off);
        open();
    }
    void open() {
        log.reset();
        found = {};
        log = std::make_unique<Log>(disk, options, found);
        keeper.log = log.get();
    }
    static std::string body(int number) { return std::to_string(number) + std::string(1000, '.'); }
    void fill(int from, int to) {
        for (int i = from; i < to; ++i)
            log->append(some_type, body(i));
        log->sync();
    }
    int compact(bool force) {
        Compactor compactor(*log, keeper);
        for (int steps = 1;; ++steps) {
            const auto need = compactor.step(force);
            if (need == Compactor::Need::nothing) return steps;
            if (need == Compactor::Need::durable) log->sync();
        }
    }

    TestDisk disk;
    LogOptions options{.segment_bytes = 8192, .grow_bytes = 4096, .reserve_bytes = 0};
    Collected found;
    std::unique_ptr<Log> log;
    KeepLive keeper;
};

TEST_F(CompactionTest, DropsDeadSegmentsOldestFirst) {
    fill(0, 50);

    compact(false);

    EXPECT_GT(log->figures().oldest_segment, 4U);
    EXPECT_LE(log->figures().bytes, 2 * options.segment_bytes + 1100);
    EXPECT_GT(keeper.settled, 0);
}

TEST_F(CompactionTest, MovesLiveRecordsForward) {
    fill(0, 50);
    keeper.live = {body(1), body(2), body(20)};

    compact(false);

    open();
    std::set<std::string> bodies;
    for (const auto& record : found.records)
        bodies.insert(record.body);
    for (const auto& live : keeper.live)
        EXPECT_TRUE(bodies.contains(live)) << live.substr(0, 3);
    EXPECT_GT(log->figures().oldest_segment, 2U);
}

TEST_F(CompactionTest, LeavesAStoreThatIsMostlyLiveAlone) {
    fill(0, 20);
    for (int i = 0; i < 20; ++i)
        keeper.live.insert(body(i));

    EXPECT_EQ(compact(false), 1);

    EXPECT_EQ(log->figures().oldest_segment, 1U);
}

TEST_F(CompactionTest, RemovesASegmentOnlyWhenWhatWasKeptIsDurable) {
    fill(0, 30);
    keeper.live = {body(0)};
    Compactor compactor(*log, keeper);
    EXPECT_EQ(compactor.step(), Compactor::Need::durable);

    EXPECT_EQ(compactor.step(), Compactor::Need::durable);
    EXPECT_TRUE(disk.exists(segment_name(1)));
    log->sync();
    EXPECT_EQ(compactor.step(), Compactor::Need::step);

    EXPECT_FALSE(disk.exists(segment_name(1)));
    EXPECT_GT(disk.directory_syncs, 0);
}

TEST_F(CompactionTest, WithOsDurabilityWhatWasKeptIsSyncedBeforeTheSegmentGoes) {
    options.durability = Durability::os;
    open();
    fill(0, 30);
    keeper.live = {body(0)};

    compact(false);
    disk.lose_unsynced();
    open();

    bool kept = false;
    for (const auto& record : found.records)
        kept |= record.body == body(0);
    EXPECT_TRUE(kept);
}

TEST_F(CompactionTest, NeverDropsTheOnlySegment) {
    fill(0, 2);

    compact(true);

    EXPECT_FALSE(log->drop_oldest());
    EXPECT_TRUE(disk.exists(segment_name(1)));
}

TEST_F(CompactionTest, RefusesADamagedSegment) {
    fill(0, 30);
    disk.files.at(segment_name(1))->bytes[200] ^= 1;

    EXPECT_THROW(compact(true), CorruptLog);
}

class LogThreadsTest : public testing::Test {
  protected:
    static constexpr int threads = 4;
    static constexpr int each = 300;

    LogThreadsTest() {
        set_component_log_level("log", LogLevel::off);
        keeper.log = &log;
    }
    /// Appends a record and waits for it, every third time only until it is written.
    void append_and_wait(int number) {
        std::promise<bool> promise;
        std::future<bool> answer = promise.get_future();
        const auto done = [&promise](bool reached) {
            promise.set_value(reached);
        };
        const Position position = log.append(some_type, std::string(1000, 'x'));
        if (number % 3 == 0) {
            log.when_written(position, done);
        } else {
            log.when_durable(position, done);
        }
        durable += answer.get() ? 1 : 0;
    }

    TestDisk disk;
    Collected none;
    KeepLive keeper;
    Log log{disk, {.segment_bytes = 64U << 10U, .grow_bytes = 4096, .reserve_bytes = 0}, none};
    std::atomic<int> durable{0};
};

TEST_F(LogThreadsTest, CommitsForManyThreadsAndCompactsMeanwhile) {
    {
        const LogThreads running(log, keeper);
        std::vector<std::jthread> producers;
        for (int thread = 0; thread < threads; ++thread) {
            producers.emplace_back([this] {
                for (int i = 0; i < each; ++i)
                    append_and_wait(i);
            });
        }
    }

    EXPECT_EQ(durable, threads * each);
    EXPECT_TRUE(log.is_durable(log.end()));
}

}  // namespace
}  // namespace tranter::log
