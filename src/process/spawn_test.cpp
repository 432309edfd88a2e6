#include "process/spawn.hpp"

#include "process/open_files.hpp"
#include "process/run.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tranter::process {
namespace {

using namespace std::chrono_literals;

class SpawnTest : public ::testing::Test {
  public:
    /// What it prints.
    std::string output_of(const std::string& script) {
        RunOptions options{.program = program, .timeout = 60s};
        options.program.command = {"/bin/sh", "-c", script};
        options.program.environment.insert(
            options.program.environment.begin(), "PATH=/usr/bin:/bin"
        );
        auto report = run(options);
        if (!report) throw std::runtime_error(report.error().message());
        return report->output;
    }

    std::string trouble() {
        program.command = {"/bin/true"};
        auto child = spawn(program);
        if (!child) return child.error().message();
        child->wait();
        return "started";
    }

    SpawnOptions program{};
};

TEST_F(SpawnTest, GivesFurtherDescriptorsTheirNumbersInAnyOrder) {
    auto first = Pipe::make();
    auto second = Pipe::make();
    ASSERT_TRUE(first && second);
    ASSERT_EQ(::write(first->write.get(), "first\n", 6), 6);
    ASSERT_EQ(::write(second->write.get(), "second\n", 7), 7);
    // Each has the number that the other one gets, as far as the kernel has given such numbers.
    program.descriptors = {
        {first->read.get(), second->read.get()},
        {second->read.get(), first->read.get()},
        {first->read.get(), 57}};

    const std::string from_first = std::to_string(second->read.get());
    const std::string from_second = std::to_string(first->read.get());
    const std::string said = output_of(
        "head -n 1 /proc/self/fd/" + from_first + "; head -n 1 /proc/self/fd/" + from_second +
        "; ls -v /proc/$$/fd"
    );

    const int low = std::min(first->read.get(), second->read.get());
    const int high = std::max(first->read.get(), second->read.get());
    EXPECT_EQ(
        said,
        "first\nsecond\n0\n1\n2\n" + std::to_string(low) + "\n" + std::to_string(high) + "\n57\n"
    );
}

TEST_F(SpawnTest, RefusesDescriptorsThatCannotBe) {
    const Descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));

    program.descriptors = {{null.get(), 2}};
    EXPECT_EQ(
        trouble(), "descriptor 2 of /bin/true has to be one of 3 to 999 and may be given once"
    );
    program.descriptors = {{null.get(), 1000}};
    EXPECT_NE(trouble(), "started");
    program.descriptors = {{null.get(), 3}, {null.get(), 3}};
    EXPECT_NE(trouble(), "started");
    program.descriptors = {{null.get(), 3}, {-1, 4}};
    EXPECT_EQ(trouble(), "started");
}

TEST_F(SpawnTest, TellsAProgramItsPid) {
    program.environment = {"LISTEN_FDS=1"};
    program.pid_variable = "LISTEN_PID";

    EXPECT_EQ(
        output_of("test $LISTEN_PID = $$ && echo right $LISTEN_FDS; env | grep -c ^LISTEN_PID="),
        "right 1\n1\n"
    );
}

TEST_F(SpawnTest, SetsTheMaskOfFilesAndAddsToNice) {
    const mode_t ours = ::umask(022);
    ::umask(ours);
    const int nice = ::getpriority(PRIO_PROCESS, 0);
    program.umask = 0127;
    program.nice = 1;

    EXPECT_EQ(
        output_of("umask; cut -d' ' -f19 /proc/$$/stat"), "0127\n" + std::to_string(nice + 1) + "\n"
    );

    const mode_t after = ::umask(ours);
    EXPECT_EQ(after, ours);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), nice);
}

TEST_F(SpawnTest, SaysThatAControlGroupIsNotThere) {
    program.cgroup_procs = "/nonexistent/cgroup.procs";

    EXPECT_EQ(
        trouble(),
        "/bin/true cannot be started in the group of /nonexistent/cgroup.procs: No such file or "
        "directory"
    );
}

TEST_F(SpawnTest, RunsAsAnotherUserWithNothingOfOurs) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may become another user";
    auto nobody = find_identity("nobody", "");
    ASSERT_TRUE(nobody) << nobody.error().message();
    const int dumpable = ::prctl(PR_GET_DUMPABLE);
    program.identity = *nobody;

    const std::string said = output_of(
        "grep -E '^(Uid|Gid|Groups|CapEff):' /proc/self/status | tr -s '\\t ' ' '; "
        "cat /etc/shadow 2>/dev/null || echo closed"
    );

    const std::string user = " " + std::to_string(nobody->user);
    const std::string group = " " + std::to_string(nobody->group);
    EXPECT_EQ(
        said,
        "Uid:" + user + user + user + user + "\nGid:" + group + group + group + group +
            "\nGroups:" + group + " \nCapEff: 0000000000000000\nclosed\n"
    );
    EXPECT_EQ(::geteuid(), 0U);
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE), dumpable);
}

TEST_F(SpawnTest, AnotherUserDoesNotOutliveUsEither) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may become another user";
    auto nobody = find_identity("nobody", "");
    ASSERT_TRUE(nobody);
    auto pipe = Pipe::make();
    ASSERT_TRUE(pipe);
    program.command = {"/bin/sleep", "1000"};
    program.identity = *nobody;
    program.output = pipe->write.get();

    // A process whose only thread ends.
    const pid_t starter = ::fork();
    if (starter == 0) ::_exit(spawn(program) ? 0 : 1);
    pipe->write.reset();
    int status = -1;
    ASSERT_EQ(::waitpid(starter, &status, 0), starter);

    ASSERT_EQ(status, 0);
    // It held the other end.
    constexpr int patience_millis = 60'000;
    pollfd ended{.fd = pipe->read.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&ended, 1, patience_millis), 1);
}

TEST_F(SpawnTest, AnotherUserMayNotEnterADirectoryOfOurs) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may become another user";
    std::string folder = "/tmp/tranter-spawn-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    auto nobody = find_identity("nobody", "");
    ASSERT_TRUE(nobody);
    program.identity = *nobody;
    program.directory = folder;

    EXPECT_EQ(trouble(), "/bin/true cannot be started in " + folder + ": Permission denied");
    ::rmdir(folder.c_str());
}

TEST_F(SpawnTest, SaysThatAUserMayNotBecomeAnother) {
    auto nobody = find_identity("nobody", "");
    ASSERT_TRUE(nobody);
    if (::geteuid() != 0) {
        program.identity = *nobody;
        EXPECT_NE(trouble().find(" as user "), std::string::npos);
        return;
    }
    // In a copy, since there is no way back.
    const pid_t copy = ::fork();
    if (copy == 0) {
        if (::setuid(nobody->user) != 0) ::_exit(2);
        program.identity = Identity{.user = 0, .group = 0, .groups = {0}};
        ::_exit(trouble().find(" as user 0, group 0: ") != std::string::npos ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(copy, &status, 0), copy);
    EXPECT_EQ(status, 0);
}

TEST(OpenFilesTest, AreAsManyAsWeMayAndWhatTheyWereForPrograms) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_GT(before.rlim_max, 110U);
    rlimit few = before;
    few.rlim_cur = 100;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);

    const std::uint64_t known = raise_open_files(110);
    rlimit raised{};
    ::getrlimit(RLIMIT_NOFILE, &raised);
    const std::uint64_t lower = raise_open_files(50);
    ::setrlimit(RLIMIT_NOFILE, &before);

    EXPECT_EQ(known, 100U);
    EXPECT_EQ(raised.rlim_cur, 110U);
    EXPECT_EQ(lower, 110U);  // and stays as it is
}

Identity identity_of(const std::string& user, const std::string& group) {
    auto found = find_identity(user, group);
    if (!found) throw std::runtime_error(found.error().message());
    return std::move(*found);
}

TEST(IdentityTest, FindsUsersAndGroupsByNameAndNumber) {
    const Identity root = identity_of("root", "");

    EXPECT_EQ(root.user, 0U);
    EXPECT_EQ(root.group, 0U);
    EXPECT_EQ(root.home, "/root");
    EXPECT_EQ(identity_of("0", ""), root);
    EXPECT_EQ(identity_of("root", "12").group, 12U);
    EXPECT_EQ(identity_of("4123456", "12").groups, (std::vector<gid_t>{12}));
    EXPECT_EQ(identity_of("", "").user, ::geteuid());
}

TEST(IdentityTest, SaysWhoIsNotThere) {
    const auto trouble = [](const std::string& user, const std::string& group) {
        const auto found = find_identity(user, group);
        return found ? std::string() : found.error().message();
    };

    EXPECT_EQ(trouble("no-such-user", ""), "there is no user no-such-user");
    EXPECT_EQ(trouble("root", "no-such-group"), "there is no group no-such-group");
    EXPECT_EQ(
        trouble("4123456", ""), "user 4123456 is not in the list of users, so it needs a group"
    );
    EXPECT_EQ(trouble("4294967295", ""), "there is no user 4294967295");
    EXPECT_EQ(trouble("-1", ""), "there is no user -1");
}

}  // namespace
}  // namespace tranter::process
