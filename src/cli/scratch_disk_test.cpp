#include "cli/scratch_disk.hpp"

#include "log/directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace tranter::cli {
namespace {

class ScratchDiskTest : public testing::Test {
  protected:
    ScratchDiskTest() {
        std::filesystem::create_directory(path);
        std::ofstream(path / "below") << "as it was";
        below = log::open_directory(path);
        scratch = std::make_unique<ScratchDisk>(*below);
    }
    void TearDown() override { std::filesystem::remove_all(path); }

    static std::string content(log::File& file) {
        std::string bytes(file.size(), '\0');
        bytes.resize(file.read(0, bytes));
        return bytes;
    }
    std::string content(const std::string& name) { return content(*scratch->open(name)); }
    std::vector<std::string> really_there() const {
        std::ifstream file(path / "below");
        EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "as it was");
        return below->list();
    }

    std::filesystem::path path = testing::TempDir() + "tranter-scratch-" +
                                 testing::UnitTest::GetInstance()->current_test_info()->name();
    std::unique_ptr<log::Disk> below;
    std::unique_ptr<ScratchDisk> scratch;
};

TEST_F(ScratchDiskTest, ShowsTheDirectory) {
    EXPECT_TRUE(scratch->exists("below"));
    EXPECT_EQ(scratch->list(), std::vector<std::string>{"below"});
    EXPECT_EQ(content("below"), "as it was");
}

TEST_F(ScratchDiskTest, WhatIsMadeIsInMemoryOnly) {
    const auto file = scratch->create("new");
    file->write(4, "text");
    file->sync();

    EXPECT_EQ(content("new"), std::string("\0\0\0\0text", 8));
    EXPECT_EQ(scratch->list(), (std::vector<std::string>{"below", "new"}));
    EXPECT_EQ(really_there(), std::vector<std::string>{"below"});
}

TEST_F(ScratchDiskTest, AFileOfTheDirectoryCanBeReplacedAndRemovedWithoutBeing) {
    scratch->create("new")->write(0, "other");
    scratch->rename("new", "below");
    EXPECT_EQ(content("below"), "other");
    EXPECT_FALSE(scratch->exists("new"));

    scratch->remove("below");
    EXPECT_FALSE(scratch->exists("below"));
    EXPECT_THROW(scratch->open("below"), log::DiskError);
    EXPECT_EQ(scratch->list(), std::vector<std::string>{});
    EXPECT_EQ(really_there(), std::vector<std::string>{"below"});
}

TEST_F(ScratchDiskTest, AFileOfTheDirectoryCannotBeWritten) {
    const auto file = scratch->open("below");

    EXPECT_THROW(file->write(0, "x"), log::DiskError);
    EXPECT_THROW(file->truncate(0), log::DiskError);
    EXPECT_EQ(really_there(), std::vector<std::string>{"below"});
}

TEST_F(ScratchDiskTest, RefusesWhatADirectoryRefuses) {
    EXPECT_THROW(scratch->create("below"), log::DiskError);
    EXPECT_THROW(scratch->open("none"), log::DiskError);
    EXPECT_THROW(scratch->remove("none"), log::DiskError);
}

}  // namespace
}  // namespace tranter::cli
