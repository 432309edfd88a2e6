#include "log/directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tranter::log {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class DirectoryTest : public testing::Test {
  public:
    ~DirectoryTest() override { fs::remove_all(root); }

  protected:
    DirectoryTest() {
        std::string name = (fs::temp_directory_path() / "tranter-log-XXXXXX").string();
        root = ::mkdtemp(name.data());
    }
    static std::string read_all(const File& file) {
        std::string bytes(100, '\0');
        bytes.resize(file.read(0, bytes));
        return bytes;
    }
    template <class Action>
    static std::string refusal(Action action) {
        try {
            action();
        } catch (const SystemError& error) {
            return error.what();
        }
        return "not refused";
    }

    fs::path root;
};

TEST_F(DirectoryTest, WritesReadsListsRenamesAndRemoves) {
    const auto disk = open_directory(root);
    const auto file = disk->create("b");
    file->write(2, "cd");
    file->write(0, "ab");
    file->sync();
    disk->create("a");

    EXPECT_EQ(read_all(*disk->open("b")), "abcd");
    EXPECT_EQ(file->size(), 4U);
    EXPECT_THAT(disk->list(), ElementsAre("a", "b"));
    disk->rename("b", "a");
    disk->sync_directory();
    EXPECT_THAT(disk->list(), ElementsAre("a"));
    EXPECT_EQ(read_all(*disk->open("a")), "abcd");
    file->truncate(1);
    EXPECT_EQ(read_all(*file), "a");
    disk->remove("a");
    EXPECT_FALSE(disk->exists("a"));
    EXPECT_GT(disk->free_bytes(), 0U);
}

TEST_F(DirectoryTest, NamesTheFileAndTheCauseOfAFailure) {
    const auto disk = open_directory(root);

    const std::string text = refusal([&] { disk->open("missing"); });

    EXPECT_THAT(text, HasSubstr((root / "missing").string()));
    EXPECT_THAT(text, HasSubstr("No such file or directory"));
    disk->create("there");
    EXPECT_THROW(disk->create("there"), DiskError);
}

TEST_F(DirectoryTest, FilesAreForTheirOwnerOnly) {
    const DataDirectory directory(root / "data" / "");  // written with a slash at its end
    struct stat found {};

    ASSERT_EQ(::stat((root / "data").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0700U);
    ASSERT_EQ(::stat((root / "data" / "lock").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST_F(DirectoryTest, BelongsToOneUntilItIsDestroyed) {
    {
        const DataDirectory first(root);

        const std::string text = refusal([&] { DataDirectory second(root); });

        EXPECT_THAT(text, HasSubstr("is in use by process " + std::to_string(::getpid())));
    }
    EXPECT_NO_THROW(DataDirectory third(root));
}

TEST_F(DirectoryTest, RefusesAFileInItsPlace) {
    std::ofstream(root / "file") << "x";

    EXPECT_THAT(refusal([&] { DataDirectory data(root / "file"); }), HasSubstr("is a file"));
    EXPECT_THAT(
        refusal([&] { DataDirectory data(root / "file" / "data"); }),
        HasSubstr("cannot make data directory")
    );
}

}  // namespace
}  // namespace tranter::log
