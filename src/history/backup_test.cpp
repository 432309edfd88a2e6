#include "history/backup.hpp"

#include "history/test_entries.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace tranter::history {
namespace {

class HistoryBackupTest : public testing::Test {
  public:
    ~HistoryBackupTest() override = default;

  protected:
    std::unique_ptr<HistoryStore> open(const std::string& path) {
        return open_history({.path = path}, clock_);
    }

    void put(HistoryStore& store, std::uint64_t first, std::uint64_t count) {
        std::vector<JobEntry> entries;
        for (std::uint64_t number = first; number < first + count; ++number)
            entries.push_back(test_entry(number, clock_.now()));
        ASSERT_TRUE(store.put(entries));
    }

    std::map<std::string, std::string> contents() const {
        std::map<std::string, std::string> files;
        for (const auto& file : std::filesystem::directory_iterator(folder_.path())) {
            std::ostringstream bytes;
            bytes << std::ifstream(file.path()).rdbuf();
            files.emplace(file.path().filename(), bytes.str());
        }
        return files;
    }

    TestFolder folder_;
    TestClock clock_;
    // Of all characters those that mean something to SQLite, too.
    const std::string copy_{folder_.path() / "copy?of #1%20.db"};
};

TEST_F(HistoryBackupTest, CopiesWhatSomebodyIsWritingTo) {
    const auto store = open(folder_.file());
    put(*store, 0, 300);
    ASSERT_TRUE(store->maintain());
    put(*store, 300, 10);

    const auto copied = copy_history(folder_.file(), copy_);
    put(*store, 310, 10);

    ASSERT_TRUE(copied) << copied.error().message();
    EXPECT_EQ(copied->value().entries, 310U);
    const auto restored = open(copy_);
    EXPECT_EQ(restored->figures().entries, 310U);
    EXPECT_TRUE(restored->find(test_id(305))->has_value());
    EXPECT_EQ(store->figures().entries, 320U);
}

TEST_F(HistoryBackupTest, LeavesAFileAtRestAsItIs) {
    put(*open(folder_.file()), 0, 10);
    const auto before = contents();

    const auto looked = look_at_history(folder_.file());
    const auto checked = check_history(folder_.file());
    EXPECT_EQ(contents(), before);
    ASSERT_TRUE(copy_history(folder_.file(), copy_));

    EXPECT_EQ(looked->value().entries, 10U);
    EXPECT_EQ(checked->value().entries, 10U);
    EXPECT_GT(looked->value().bytes, 0U);
    EXPECT_EQ(contents().size(), 2U) << "one file is the copy, without a journal";
    EXPECT_EQ(check_history(copy_)->value().entries, 10U);
}

TEST_F(HistoryBackupTest, SaysThatThereIsNone) {
    EXPECT_FALSE(look_at_history(folder_.file())->has_value());
    EXPECT_FALSE(copy_history(folder_.file(), copy_)->has_value());
    EXPECT_FALSE(std::filesystem::exists(copy_));
}

TEST_F(HistoryBackupTest, LeavesNothingOfACopyThatIsDamaged) {
    put(*open(folder_.file()), 0, 300);
    const auto bytes = std::filesystem::file_size(folder_.file());
    std::fstream file(folder_.file(), std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(bytes / 2));
    file << std::string(bytes / 4, 'x');
    file.close();

    EXPECT_EQ(check_history(folder_.file()).error().code(), Errc::corrupted);
    EXPECT_EQ(copy_history(folder_.file(), copy_).error().code(), Errc::corrupted);
    EXPECT_EQ(contents().size(), 1U);
}

}  // namespace
}  // namespace tranter::history
