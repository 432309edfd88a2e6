#include "supervise/file_access.hpp"

#include "supervise/log_file.hpp"
#include "supervise/pid_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace tranter::supervise {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Nobody whom this machine knows.
constexpr uid_t somebody = 61'234;

std::vector<gid_t> own_groups() {
    constexpr int groups_max = 1'024;
    std::vector<gid_t> out(groups_max);
    out.resize(static_cast<std::size_t>(std::max(0, ::getgroups(groups_max, out.data()))));
    return out;
}

// Before anybody has acted for anybody.
const int dumpable_at_first = ::prctl(PR_GET_DUMPABLE);
const std::vector<gid_t> groups_at_first = own_groups();

class FileAccessTest : public ::testing::Test {
  public:
    FileAccessTest() {
        std::string pattern = "/tmp/tranter-access-XXXXXX";
        folder = ::mkdtemp(pattern.data());
    }
    ~FileAccessTest() override { std::filesystem::remove_all(folder); }

    std::string in(const std::string& name) const { return folder + "/" + name; }
    static std::string content(const std::string& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::string trouble(const std::string& path) const {
        const auto access = FileAccess::to(path, owner);
        if (!access) return access.error().message();
        const auto file = access->open(path, O_WRONLY | O_APPEND | O_CREAT, 0640);
        return file ? "" : file.error().message();
    }
    static struct stat info(const std::string& path) {
        struct stat out {};
        EXPECT_EQ(::lstat(path.c_str(), &out), 0) << path;
        return out;
    }

    std::string folder;
    std::optional<process::Identity> owner{};
};

TEST_F(FileAccessTest, RefusesWhatMayHoldUpAWriter) {
    ASSERT_EQ(::mkfifo(in("pipe").c_str(), 0600), 0);
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    in("socket").copy(address.sun_path, sizeof address.sun_path - 1);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as the call wants it
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

    EXPECT_EQ(trouble(in("pipe")), in("pipe") + " is a pipe, it has to be a regular file");
    EXPECT_EQ(trouble(in("socket")), in("socket") + " is a socket, it has to be a regular file");
    EXPECT_EQ(trouble(folder), folder + " is a folder, it has to be a regular file");
    EXPECT_EQ(trouble("/dev/full"), "/dev/full is a device, it has to be a regular file");
    EXPECT_EQ(trouble("/dev/null"), "");
}

TEST_F(FileAccessTest, OurOwnLinksAreFollowed) {
    ASSERT_EQ(::symlink(in("file").c_str(), in("link").c_str()), 0);
    ASSERT_EQ(::symlink("/dev/null", in("null").c_str()), 0);

    EXPECT_EQ(trouble(in("link")), "");
    EXPECT_TRUE(std::filesystem::exists(in("file")));
    EXPECT_EQ(trouble(in("null")), "");
}

TEST_F(FileAccessTest, KnowsNamesOfNoFile) {
    for (const char* name : {"/dev/null", "/dev/stdout", "/dev/stderr", "/proc/self/fd/1"})
        EXPECT_TRUE(is_no_file(name)) << name;
    for (const char* name : {"", "/dev/tty", "/dev/fd/10", "stdout"})
        EXPECT_FALSE(is_no_file(name)) << name;
}

TEST_F(FileAccessTest, APidFileHoldsItsPidAndIsRemovedByWhoeverIsInIt) {
    const std::string path = in("pids/api.pid");
    ASSERT_TRUE(write_pid_file(path, 123456, owner));
    ASSERT_TRUE(write_pid_file(path, 77, owner));
    EXPECT_EQ(content(path), "77\n");

    remove_pid_file(path, 7, owner);
    remove_pid_file(path, 123456, owner);
    EXPECT_EQ(content(path), "77\n");
    remove_pid_file(path, 77, owner);
    EXPECT_FALSE(std::filesystem::exists(path));

    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const auto refused = write_pid_file(path, 77, owner);
    remove_pid_file(path, 77, owner);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("is a pipe"));
    EXPECT_TRUE(std::filesystem::exists(path));
}

/// An app that runs as somebody else, whose folder `his` is, among others of root.
class OtherUserTest : public FileAccessTest {
  public:
    OtherUserTest() {
        if (::geteuid() != 0) return;
        owner = process::Identity{.user = somebody, .group = somebody, .groups = {somebody}};
        // Where everybody may look, as in other places that are root's.
        EXPECT_EQ(::chmod(folder.c_str(), 0755), 0);
        std::filesystem::create_directory(in("his"));
        EXPECT_EQ(::chown(in("his").c_str(), somebody, somebody), 0);
        std::ofstream(in("secret")) << "of root";
        EXPECT_EQ(::chmod(in("secret").c_str(), 0600), 0);
    }
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root may act for another user";
        const process::FileRights rights(*owner);
        if (!rights.has_worked()) GTEST_SKIP() << "there are no other users here";
    }
};

TEST_F(OtherUserTest, WhatIsMadeIsHis) {
    EXPECT_EQ(trouble(in("his/logs/api.log")), "");

    EXPECT_EQ(info(in("his/logs")).st_uid, somebody);
    EXPECT_EQ(info(in("his/logs/api.log")).st_uid, somebody);
    EXPECT_EQ(info(in("his/logs/api.log")).st_gid, somebody);
}

TEST_F(OtherUserTest, HisLinksLeadNowhereThatHeMayNotGo) {
    ASSERT_EQ(::symlink(in("secret").c_str(), in("his/api.log").c_str()), 0);
    ASSERT_EQ(::symlink(folder.c_str(), in("his/logs").c_str()), 0);

    EXPECT_EQ(
        trouble(in("his/api.log")),
        in("his/api.log") +
            " is a link, and is not followed for another user, it has to be a regular file"
    );
    EXPECT_THAT(trouble(in("his/logs/secret")), HasSubstr("as user 61234: Permission denied"));
    EXPECT_THAT(trouble(in("his/logs/new")), HasSubstr("as user 61234: Permission denied"));
    EXPECT_FALSE(std::filesystem::exists(in("new")));
    EXPECT_EQ(content(in("secret")), "of root");
}

TEST_F(OtherUserTest, AFolderOfRootAloneIsUsedAsRoot) {
    std::filesystem::create_directory(in("logs"));

    EXPECT_EQ(trouble(in("logs/deep/api.log")), "");
    EXPECT_EQ(info(in("logs/deep/api.log")).st_uid, 0U);

    // As soon as he may change it, it is not root's alone.
    ASSERT_EQ(::chmod(in("logs").c_str(), 0777), 0);
    EXPECT_EQ(trouble(in("logs/other.log")), "");
    EXPECT_EQ(info(in("logs/other.log")).st_uid, somebody);
    // Root's group is not root, and an access list for him would show as this.
    ASSERT_EQ(::chmod(in("logs").c_str(), 0775), 0);
    EXPECT_THAT(trouble(in("logs/group.log")), HasSubstr("as user 61234: Permission denied"));
    // Nor through a link of his.
    ASSERT_EQ(::chmod(in("logs").c_str(), 0755), 0);
    ASSERT_EQ(::symlink(in("logs").c_str(), in("his/logs").c_str()), 0);
    EXPECT_THAT(trouble(in("his/logs/third.log")), HasSubstr("Permission denied"));
    // Everybody may make files where root's folder is, but not in it.
    EXPECT_THAT(trouble("/tmp/../" + in("secret")), "");
}

TEST_F(OtherUserTest, LinksOfRootLeadToFoldersOfRoot) {
    std::filesystem::create_directories(in("run/deep"));
    std::filesystem::create_directory(in("var"));
    ASSERT_EQ(::symlink("../run", in("var/run").c_str()), 0);
    ASSERT_EQ(::symlink(in("var/run/deep").c_str(), in("absolute").c_str()), 0);
    ASSERT_EQ(::symlink("circle", in("circle").c_str()), 0);

    EXPECT_EQ(trouble(in("var/run/api.pid")), "");
    EXPECT_EQ(info(in("run/api.pid")).st_uid, 0U);
    EXPECT_EQ(trouble(in("absolute/more/api.pid")), "");
    EXPECT_EQ(info(in("run/deep/more/api.pid")).st_uid, 0U);
    EXPECT_NE(trouble(in("circle/api.pid")), "");

    // But not over one of his, wherever that leads to now.
    ASSERT_EQ(::symlink(in("run").c_str(), in("his/run").c_str()), 0);
    ASSERT_EQ(::symlink(in("his/run").c_str(), in("var/his").c_str()), 0);
    EXPECT_THAT(trouble(in("var/his/other.pid")), HasSubstr("Permission denied"));
    EXPECT_FALSE(std::filesystem::exists(in("run/other.pid")));
}

TEST_F(OtherUserTest, OurRightsComeBack) {
    {
        const process::FileRights rights(*owner);
        ASSERT_TRUE(rights.has_worked());
        EXPECT_FALSE(Descriptor(::open(in("secret").c_str(), O_RDONLY | O_CLOEXEC)));
        EXPECT_EQ(::geteuid(), 0U);
    }

    EXPECT_TRUE(Descriptor(::open(in("secret").c_str(), O_RDONLY | O_CLOEXEC)));
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE), dumpable_at_first);
    EXPECT_EQ(own_groups(), groups_at_first);
    const Descriptor made(::open(in("made").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(info(in("made")).st_uid, 0U);
    EXPECT_EQ(info(in("made")).st_gid, 0U);
}

TEST_F(OtherUserTest, GroupsOfOursAreNotHis) {
    // Ours alone, in a group of ours.
    constexpr gid_t group = 61'235;
    ASSERT_EQ(::chown(in("secret").c_str(), 0, group), 0);
    ASSERT_EQ(::chmod(in("secret").c_str(), 0640), 0);
    const process::Identity member{.user = somebody, .group = somebody, .groups = {group}};
    {
        const process::FileRights rights(member);
        EXPECT_TRUE(Descriptor(::open(in("secret").c_str(), O_RDONLY | O_CLOEXEC)));
    }
    {
        const process::FileRights rights(*owner);
        EXPECT_FALSE(Descriptor(::open(in("secret").c_str(), O_RDONLY | O_CLOEXEC)));
    }
}

TEST_F(OtherUserTest, APidFileOfHisRemovesNothingOfOthers) {
    std::ofstream(in("pid")) << "77\n";
    ASSERT_EQ(::symlink(in("pid").c_str(), in("his/api.pid").c_str()), 0);
    ASSERT_EQ(::symlink(folder.c_str(), in("his/run").c_str()), 0);

    EXPECT_FALSE(write_pid_file(in("his/api.pid"), 1, owner));
    EXPECT_FALSE(write_pid_file(in("his/run/pid"), 1, owner));
    remove_pid_file(in("his/run/pid"), 77, owner);

    EXPECT_EQ(content(in("pid")), "77\n");
    ASSERT_TRUE(write_pid_file(in("his/good.pid"), 1, owner));
    EXPECT_EQ(info(in("his/good.pid")).st_uid, somebody);
}

TEST_F(OtherUserTest, LogsAreRotatedCompressedAndEmptiedWithHisRights) {
    const std::string number = std::to_string(somebody);
    LogFile file(
        {.path = in("his/api.log"),
         .owner = {.user = number, .group = number},
         .bytes_max = 4,
         .files_max = 2,
         .compress = true}
    );
    for (const char* line : {"one\n", "two\n", "three\n"})
        ASSERT_TRUE(file.append(line, Instant(1h)));

    for (const char* name : {"his/api.log", "his/api.log.1.gz", "his/api.log.2.gz"})
        EXPECT_EQ(info(in(name)).st_uid, somebody) << name;

    // A file of root's that a link of his would have emptied.
    std::filesystem::remove(in("his/api.log"));
    ASSERT_EQ(::symlink(in("secret").c_str(), in("his/api.log").c_str()), 0);
    file.reopen();
    EXPECT_FALSE(file.flush());
    EXPECT_FALSE(file.append("four\n", Instant(1h)));
    EXPECT_EQ(content(in("secret")), "of root");
}

TEST_F(OtherUserTest, WhatCompressesRunsAsHe) {
    const std::string number = std::to_string(somebody);
    const std::string script = "id -u > \"$0.gz\"; id -G >> \"$0.gz\"; rm \"$0\"";
    LogFile file(
        {.path = in("his/api.log"),
         .owner = {.user = number, .group = number},
         .bytes_max = 1,
         .compress = true,
         .compressor = {"/bin/sh", "-c", script}}
    );
    ASSERT_TRUE(file.append("one\n", Instant(1h)));
    ASSERT_TRUE(file.append("two\n", Instant(1h)));

    EXPECT_EQ(content(in("his/api.log.1.gz")), number + "\n" + number + "\n");
}

}  // namespace
}  // namespace tranter::supervise
