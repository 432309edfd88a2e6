#include "cli/up_plan.hpp"

#include "cli/daemon_home.hpp"
#include "cli/daemon_leftovers.hpp"
#include "cli/up_apply.hpp"
#include "cli/up_roles.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace tranter::cli {
namespace {

namespace files = std::filesystem;
using supervise::App;

class UpHomeTest : public testing::Test {
  public:
    UpHomeTest() {
        std::string pattern = (files::temp_directory_path() / "up-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        home.directory = folder + "/h";
    }
    ~UpHomeTest() override { files::remove_all(folder); }

    void touch(const std::string& name) const { std::ofstream(folder + "/" + name) << "x"; }

    std::string folder{};
    control::Home home{};
};

std::vector<std::string> names_of(const std::vector<App>& apps) {
    std::vector<std::string> names;
    for (const App& app : apps)
        names.push_back(app.name);
    return names;
}

TEST_F(UpHomeTest, TheFileIsTheFirstOfThoseThatAreThere) {
    EXPECT_EQ(find_up_file(folder), "");
    for (const char* name : {"Procfile", "ecosystem.config.cjs", "tranter.toml"}) {
        touch(name);
        EXPECT_EQ(find_up_file(folder), folder + "/" + name);
    }
}

TEST(ChooseAppsTest, TakesWhatIsNamedAndWhatThatDependsOn) {
    std::vector<App> apps{App{.name = "db"}, App{.name = "api"}, App{.name = "web"}};
    apps[1].depends_on = {{.app = "db"}};
    apps[2].depends_on = {{.app = "api"}};

    EXPECT_EQ(names_of(choose_apps(apps, {}).value()).size(), 3U);
    EXPECT_EQ(names_of(choose_apps(apps, {"db"}).value()), std::vector<std::string>{"db"});
    EXPECT_EQ(names_of(choose_apps(apps, {"web"}).value()).size(), 3U);
    const auto unknown = choose_apps(apps, {"wob"});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code(), Errc::not_found);
}

TEST(MeansTheSameTest, LeavesTheSessionOfWhoeverAsksAside) {
    App one{.name = "web", .environment = {{"A", "1"}, {"SHLVL", "1"}, {"SSH_TTY", "x"}}};
    App other{.name = "web", .environment = {{"TERM", "xterm"}, {"A", "1"}}};
    EXPECT_TRUE(means_the_same(one, other));

    other.environment.emplace_back("B", "2");
    EXPECT_FALSE(means_the_same(one, other));
    one.environment.emplace_back("B", "2");
    one.instances = 2;
    EXPECT_FALSE(means_the_same(one, other));
}

TEST_F(UpHomeTest, RolesAreNeverGivenUpAndWaitLongerAndLonger) {
    ServerConfig config;
    config.handlers.emplace_back();

    const std::vector<App> apps = role_apps(config, folder + "/tranter.toml", home, {});

    EXPECT_EQ(apps.size(), 4U);
    for (const App& app : apps) {
        EXPECT_EQ(app.restart.max, 0U) << app.name;
        EXPECT_GT(app.restart.delay_max, Duration{}) << app.name;
    }
}

TEST_F(UpHomeTest, IsForItsOwnerAloneAlsoWhenItWasOpenBefore) {
    ASSERT_EQ(::mkdir(home.directory.c_str(), 0777), 0);

    ASSERT_TRUE(make_home(home));

    struct stat info {};
    ASSERT_EQ(::stat(home.directory.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
    ASSERT_TRUE(replace_file(home.dump_file(), "secret"));
    ASSERT_EQ(::stat(home.dump_file().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    EXPECT_EQ(read_file(home.dump_file()).value(), "secret");
    EXPECT_EQ(read_file(home.state_file()).error().code(), Errc::not_found);
}

TEST_F(UpHomeTest, IsLockedByOneAtATime) {
    ASSERT_TRUE(make_home(home));
    EXPECT_FALSE(is_home_locked(home));
    {
        const auto lock = lock_home(home);
        ASSERT_TRUE(lock);
        EXPECT_TRUE(is_home_locked(home));
        const auto second = lock_home(home);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().code(), Errc::conflict);
    }
    EXPECT_FALSE(is_home_locked(home));
}

TEST_F(UpHomeTest, NoProcessIsTakenForOneThatHadItsNumberBefore) {
    ASSERT_TRUE(make_home(home));
    std::string boot = read_file("/proc/sys/kernel/random/boot_id").value();
    boot.pop_back();
    // We have our number, and have not been started at tick 1.
    const std::string processes =
        "\"processes\":[{\"pid\":" + std::to_string(::getpid()) + ",\"start_ticks\":1}]}";
    for (const std::string& state :
         {"{\"boot_id\":\"" + boot + "\\n\"," + processes,
          "{\"boot_id\":\"\"," + processes,
          std::string("{damaged")}) {
        ASSERT_TRUE(replace_file(home.state_file(), state));
        const auto cleared = clear_leftovers(home, {});
        ASSERT_TRUE(cleared) << cleared.error().message();
        EXPECT_EQ(*cleared, 0U);
    }
}

/// `sleep` with one variable, which no state knows.
pid_t start_marked(const std::string& variable, bool apart = true) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (apart) ::setsid();
        std::array<char*, 3> words{const_cast<char*>("sleep"), const_cast<char*>("1000"), nullptr};
        std::array<char*, 2> variables{const_cast<char*>(variable.c_str()), nullptr};
        ::execve("/bin/sleep", words.data(), variables.data());
        ::_exit(127);
    }
    // Until it is another program it has our variables.
    while (read_file(fmt::format("/proc/{}/comm", pid)).value_or("") != "sleep\n")
        ::sched_yield();
    return pid;
}

TEST_F(UpHomeTest, WhatAnAppHasStartedIsFoundByItsVariableAloneAndOfThisHomeOnly) {
    ASSERT_TRUE(make_home(home));
    control::Home other{.directory = folder + "/other"};
    ASSERT_TRUE(make_home(other));
    const pid_t ours = start_marked("TRANTER_SUPERVISOR=" + folder + "/h/../h/run");
    const pid_t theirs = start_marked("TRANTER_SUPERVISOR=" + other.runtime());
    const pid_t beside_us = start_marked("TRANTER_SUPERVISOR=" + home.runtime(), false);
    int status = 0;

    const auto orderly = clear_leftovers(home, {});
    ASSERT_TRUE(orderly) << orderly.error().message();
    EXPECT_EQ(*orderly, 0U);
    ASSERT_TRUE(replace_file(home.state_file(), R"({"boot_id":"","processes":[]})"));
    const auto cleared = clear_leftovers(home, {});

    ASSERT_TRUE(cleared) << cleared.error().message();
    EXPECT_EQ(::waitpid(ours, &status, 0), ours);
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    EXPECT_EQ(::waitpid(theirs, &status, WNOHANG), 0);
    EXPECT_EQ(::waitpid(beside_us, &status, WNOHANG), 0);
    for (const pid_t other_pid : {theirs, beside_us}) {
        ::kill(other_pid, SIGTERM);
        ::waitpid(other_pid, &status, 0);
    }
}

}  // namespace
}  // namespace tranter::cli
