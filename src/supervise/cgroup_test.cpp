#include "supervise/cgroup.hpp"

#include "supervise/cgroup_tree.hpp"
#include "supervise/keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace tranter::supervise {
namespace {

using ::testing::HasSubstr;

constexpr const char* modern =
    "24 1 0:23 / /sys rw shared:7 - sysfs sysfs rw\n"
    "31 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* mixed =
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
constexpr const char* contained =
    "50 1 0:26 /docker/ab\\040c /sys/fs/cg\\134roup ro - cgroup2 cgroup rw\n";

TEST(OwnCgroupTest, IsFoundUnderItsMount) {
    EXPECT_EQ(
        own_cgroup(modern, "0::/system.slice/a.service\n"), "/sys/fs/cgroup/system.slice/a.service"
    );
    EXPECT_EQ(own_cgroup(modern, "0::/\n"), "/sys/fs/cgroup");
    EXPECT_EQ(
        own_cgroup(mixed, "4:memory:/other\n0::/user.slice\n"), "/sys/fs/cgroup/unified/user.slice"
    );
    EXPECT_EQ(own_cgroup(contained, "0::/docker/ab c/x\n"), "/sys/fs/cg\\roup/x");
    EXPECT_EQ(own_cgroup(contained, "0::/docker/ab c\n"), "/sys/fs/cg\\roup");
}

TEST(OwnCgroupTest, IsNotFoundWhereItCannotBeSeen) {
    EXPECT_EQ(own_cgroup(modern, "4:memory:/a\n"), std::nullopt);
    EXPECT_EQ(own_cgroup("", "0::/\n"), std::nullopt);
    EXPECT_EQ(own_cgroup(contained, "0::/docker/ab cd\n"), std::nullopt);
    EXPECT_EQ(own_cgroup(modern, "0::/../outside\n"), std::nullopt);
    EXPECT_EQ(own_cgroup(" - cgroup2 \n\\\n - cgroup2", "0::/\n0::\n0"), std::nullopt);
}

class CgroupTest : public ::testing::Test {
  public:
    void SetUp() override {
        groups = Cgroups::find();
        if (!groups) GTEST_SKIP() << "there is no writable tree of cgroup v2 here";
    }

    std::unique_ptr<Cgroups::Leaf> make(const std::string& name) {
        auto made = groups->make(name, {});
        if (made) return std::move(*made);
        ADD_FAILURE() << made.error().message();
        return nullptr;
    }

    /// In a group, until it has said its first line.
    Keeper start(const std::string& script, const Cgroups::Leaf& leaf) {
        auto pipe = process::Pipe::make();
        process::SpawnOptions program;
        program.command = {"/bin/sh", "-c", script};
        program.environment = {"PATH=/usr/bin:/bin"};
        program.cgroup_procs = leaf.procs_path();
        program.output = pipe->write.get();
        auto keeper = Keeper::start(program);
        if (!keeper) throw SystemError(keeper.error().message());
        pipe->write.reset();
        char byte = 0;
        line.clear();
        while (::read(pipe->read.get(), &byte, 1) == 1 && byte != '\n')
            line += byte;
        return std::move(*keeper);
    }

    static Keeper::Report next(Keeper& keeper) {
        for (;;) {
            if (auto report = keeper.read()) return *report;
            pollfd said{.fd = keeper.descriptor(), .events = POLLIN, .revents = 0};
            ::poll(&said, 1, -1);
        }
    }

    std::optional<Cgroups> groups;
    std::string line;
};

TEST_F(CgroupTest, HoldsAProgramFromItsFirstStepOn) {
    auto leaf = make("web/1 ü");
    ASSERT_TRUE(leaf);
    const std::string folder = std::filesystem::path(leaf->procs_path()).parent_path().filename();

    const Keeper keeper = start("grep ^0:: /proc/self/cgroup; sleep 1000", *leaf);

    EXPECT_THAT(line, ::testing::EndsWith("/" + folder));
    EXPECT_THAT(folder, ::testing::EndsWith("-web_1___"));
    // The keeper stays outside, or it would be killed too.
    EXPECT_EQ(
        kernel_file("/proc/" + std::to_string(keeper.pid()) + "/cgroup"),
        kernel_file("/proc/self/cgroup")
    );
}

TEST_F(CgroupTest, KillsWhatHasLeftItsSession) {
    auto leaf = make("kill");
    ASSERT_TRUE(leaf);
    Keeper keeper = start(
        "setsid sh -c 'trap \"\" TERM; sh -c \"sleep 1000\" & echo up; wait' & sleep 1000", *leaf
    );
    ASSERT_EQ(line, "up");
    ASSERT_EQ(next(keeper).kind, Keeper::Report::Kind::spawned);

    leaf->kill_all();

    EXPECT_EQ(next(keeper).ending.signal, SIGKILL);
    EXPECT_EQ(next(keeper).kind, Keeper::Report::Kind::all_gone);
    EXPECT_EQ(kernel_file(leaf->procs_path()), "");
    EXPECT_EQ(leaf->oom_kills(), 0U);
}

TEST_F(CgroupTest, GoesWithAllThatIsInIt) {
    auto leaf = make("remove");
    ASSERT_TRUE(leaf);
    const auto folder = std::filesystem::path(leaf->procs_path()).parent_path();
    Keeper keeper = start("trap '' TERM; echo up; while :; do sleep 1000; done", *leaf);
    std::filesystem::create_directory(folder / "own");

    leaf.reset();

    ASSERT_FALSE(std::filesystem::exists(folder));
    ASSERT_EQ(next(keeper).kind, Keeper::Report::Kind::spawned);
    EXPECT_EQ(next(keeper).ending.signal, SIGKILL);
}

TEST_F(CgroupTest, RemovesWhatAnEarlierProcessHasLeft) {
    auto leaf = make("present");
    ASSERT_TRUE(leaf);
    const auto folder = std::filesystem::path(leaf->procs_path()).parent_path();
    // A number that no process can have.
    const auto old = folder.parent_path() / "tranter-2147483647-1-old";
    ASSERT_TRUE(std::filesystem::create_directory(old));

    ASSERT_TRUE(Cgroups::find());

    EXPECT_FALSE(std::filesystem::exists(old));
    EXPECT_TRUE(std::filesystem::exists(folder));
}

TEST_F(CgroupTest, LimitsWhatCanBeLimitedAndSaysWhatCannot) {
    auto leaf = make("directory");
    ASSERT_TRUE(leaf);
    const auto parent = std::filesystem::path(leaf->procs_path()).parent_path().parent_path();
    const std::string there = kernel_file(parent / "cgroup.controllers");

    const auto limited = groups->make("limited", {.processes = 17});

    if (there.find("pids") == std::string::npos) {
        ASSERT_FALSE(limited);
        EXPECT_THAT(limited.error().message(), HasSubstr("has no controller pids"));
    } else if (limited) {
        const auto folder = std::filesystem::path((*limited)->procs_path()).parent_path();
        EXPECT_EQ(kernel_file(folder / "pids.max"), "17\n");
    } else {
        EXPECT_THAT(limited.error().message(), HasSubstr("cannot limit pids"));
    }
}

}  // namespace
}  // namespace tranter::supervise
