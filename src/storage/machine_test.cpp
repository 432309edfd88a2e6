#include "storage/machine.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace tranter::storage {
namespace {

class MachineMemoryTest : public testing::Test {
  protected:
    void TearDown() override { std::filesystem::remove_all(root); }

    void write(const std::string& file, const std::string& text) {
        std::filesystem::create_directories((root / file).parent_path());
        std::ofstream(root / file) << text;
    }

    std::filesystem::path root = testing::TempDir() + "tranter-machine-" +
                                 testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(MachineMemoryTest, IsWhatTheMachineHasWithoutALimit) {
    EXPECT_GT(machine_memory(root), 64U << 20U);
}

TEST_F(MachineMemoryTest, IsTheLimitOfTheControlGroupWhenThatIsLess) {
    write("sys/fs/cgroup/memory.max", "1048576\n");

    EXPECT_EQ(machine_memory(root), 1048576U);
}

TEST_F(MachineMemoryTest, KnowsTheOlderControlGroups) {
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2097152\n");

    EXPECT_EQ(machine_memory(root), 2097152U);
}

TEST_F(MachineMemoryTest, ALimitBeyondTheMachineIsNone) {
    const std::uint64_t unlimited = machine_memory(root);
    write("sys/fs/cgroup/memory.max", "max\n");
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");

    EXPECT_EQ(machine_memory(root), unlimited);
}

}  // namespace
}  // namespace tranter::storage
