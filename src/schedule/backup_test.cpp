#include "schedule/backup.hpp"

#include "schedule/store.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace tranter::schedule {
namespace {

namespace fs = std::filesystem;

class StoreBackupTest : public testing::Test {
  public:
    StoreBackupTest() {
        std::string path = (fs::temp_directory_path() / "backup-XXXXXX").string();
        if (::mkdtemp(path.data()) != nullptr) directory_ = path;
    }
    ~StoreBackupTest() override { fs::remove_all(directory_); }
    StoreBackupTest(const StoreBackupTest&) = delete;
    StoreBackupTest& operator=(const StoreBackupTest&) = delete;

  protected:
    std::string from() const { return directory_ / schedules_file; }
    std::string to() const { return directory_ / "copy?of #1%20.db"; }
    std::shared_ptr<ScheduleStore> open() const {
        return open_store("file:" + directory_.string()).value();
    }
    static void add(ScheduleStore& store, const std::string& name) {
        const Schedule schedule{
            .definition = {.name = name, .expression = "@daily", .type = "t"},
            .next_slot = TimePoint(std::chrono::hours(1)),
            .next_due = TimePoint(std::chrono::hours(1))};
        ASSERT_TRUE(store.insert(schedule));
        const ScheduledJob job{.id = name, .queue = "q", .type = "t", .payload = "null"};
        ASSERT_TRUE(store.add_jobs(std::span(&job, 1)));
    }

  private:
    fs::path directory_{};
};

TEST_F(StoreBackupTest, CopiesWhatASchedulerIsWritingTo) {
    const auto store = open();
    add(*store, "a");
    add(*store, "b");

    const auto copied = copy_store_file(from(), to());
    add(*store, "c");

    ASSERT_TRUE(copied) << copied.error().message();
    EXPECT_EQ(copied->value().schedules, 2U);
    EXPECT_EQ(copied->value().waiting_jobs, 2U);
    EXPECT_EQ(check_store_file(to())->value().schedules, 2U);
    EXPECT_EQ(look_at_store_file(from())->value().schedules, 3U);
    EXPECT_FALSE(fs::exists(to() + "-wal")) << "the copy is one file";
    fs::rename(to(), from() + ".db");
    const auto restored = open_store("file:" + from() + ".db");
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_EQ((*restored)->list("", 10)->size(), 2U);
}

TEST_F(StoreBackupTest, OfNoFileThereIsNothing) {
    EXPECT_FALSE(copy_store_file(from(), to())->has_value());
    EXPECT_FALSE(check_store_file(from())->has_value());
    EXPECT_FALSE(fs::exists(to()));
}

TEST_F(StoreBackupTest, ADamagedFileIsFoundAndNothingOfItIsCopied) {
    {
        const auto store = open();
        for (int i = 0; i < 200; ++i)
            add(*store, "schedule" + std::to_string(i));
    }
    const auto bytes = fs::file_size(from());
    std::fstream file(from(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(bytes / 2));
    file << std::string(8192, 'x');
    file.close();

    EXPECT_EQ(check_store_file(from()).error().code(), Errc::corrupted);
    EXPECT_EQ(copy_store_file(from(), to()).error().code(), Errc::corrupted);
    EXPECT_FALSE(fs::exists(to()));
}

TEST_F(StoreBackupTest, ADatabaseOfAnotherProgramIsNone) {
    std::ofstream(from()) << "";

    EXPECT_EQ(check_store_file(from()).error().code(), Errc::unavailable);
}

}  // namespace
}  // namespace tranter::schedule
