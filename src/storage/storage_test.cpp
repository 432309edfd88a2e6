#include "storage/storage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tranter::storage {
namespace {

using ::testing::HasSubstr;

class FixedClock final : public Clock {
  public:
    explicit FixedClock(Instant now) : now_(now) {}
    Instant now() const override { return now_; }

  private:
    Instant now_;
};

class StorageTest : public testing::Test {
  protected:
    StorageTest() {
        std::string path = testing::TempDir() + "tranter-storage-XXXXXX";
        directory = ::mkdtemp(path.data()) == nullptr ? std::string() : path;
        options.directory = directory;
    }
    void TearDown() override { std::filesystem::remove_all(directory); }

    /// One more queue in the store, made by a process whose clock stood there.
    void leave_queue(std::string_view name, Instant when = SteadyClock::wall_clock()) {
        const FixedClock clock(when);
        log::DataDirectory taken(directory);
        broker::Store store(taken.disk(), {}, [&](Instant) -> const Clock& { return clock; });
        EXPECT_TRUE(store.broker().create_queue(name, {}));
        store.log().sync();
    }
    std::string refusal() {
        try {
            const Storage storage(options);
            return "opened";
        } catch (const SystemError& refused) {
            return refused.what();
        }
    }
    std::filesystem::path only_segment() {
        return directory / std::filesystem::path("0000000001.seg");
    }

    std::filesystem::path directory;
    StorageOptions options;
};

TEST_F(StorageTest, SaysWhatItRestored) {
    leave_queue("q");

    const Storage storage(options);

    EXPECT_EQ(storage.opened().queues, 1U);
    EXPECT_EQ(storage.opened().messages, 0U);
    EXPECT_EQ(storage.opened().torn_tail, "");
    EXPECT_EQ(storage.opened().clock_behind, Duration::zero());
    EXPECT_FALSE(storage.opened().writable_by_all);
}

TEST_F(StorageTest, SaysThatItHasMadeTheDirectory) {
    options.directory = directory / "new";

    EXPECT_TRUE(Storage(options).opened().made);
    EXPECT_FALSE(Storage(options).opened().made);
}

TEST_F(StorageTest, TimeDoesNotGoBehindTheNewestRecord) {
    const Instant tomorrow = SteadyClock::wall_clock() + std::chrono::hours(24);
    leave_queue("q", tomorrow);

    Storage storage(options);

    EXPECT_GE(storage.broker().now(), tomorrow);
    EXPECT_GT(storage.opened().clock_behind, std::chrono::hours(23));
}

TEST_F(StorageTest, CommitsWhatWasChangedBeforeItEnds) {
    {
        Storage storage(options);
        storage.start();
        EXPECT_TRUE(storage.broker().create_queue("q", {}));
        storage.finish();
    }

    EXPECT_EQ(Storage(options).opened().queues, 1U);
}

TEST_F(StorageTest, RefusesDamageAndOffersARepair) {
    leave_queue("a");
    leave_queue("b");
    std::fstream segment(only_segment(), std::ios::in | std::ios::out | std::ios::binary);
    segment.seekp(100);
    segment.put('\xFF');
    segment.close();

    EXPECT_THAT(refusal(), HasSubstr("start with --repair"));
    options.repair = true;
    EXPECT_FALSE(Storage(options).opened().lost.empty());
}

TEST_F(StorageTest, OffersNoRepairOfAnIdentityThatIsGone) {
    leave_queue("q");
    std::filesystem::remove(directory / "store");

    EXPECT_THAT(refusal(), HasSubstr("missing"));
    EXPECT_THAT(refusal(), Not(HasSubstr("--repair")));
}

TEST_F(StorageTest, KnowsADirectoryThatEverybodyCanWrite) {
    using std::filesystem::perms;
    std::filesystem::permissions(directory, perms::all);
    EXPECT_TRUE(Storage(options).opened().writable_by_all);

    std::filesystem::permissions(directory, perms::all | perms::sticky_bit);
    EXPECT_THAT(refusal(), HasSubstr("is shared by all users"));
}

TEST_F(StorageTest, WithoutADirectoryEverythingIsInMemory) {
    Storage storage({});
    storage.start();

    EXPECT_TRUE(storage.broker().create_queue("q", {}));
    EXPECT_EQ(storage.store(), nullptr);
}

}  // namespace
}  // namespace tranter::storage
