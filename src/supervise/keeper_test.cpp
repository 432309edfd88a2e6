#include "supervise/keeper.hpp"

#include "process/descriptor.hpp"
#include "supervise/descendants.hpp"

#include <gtest/gtest.h>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>
#include <string>

namespace tranter::supervise {
namespace {

using Said = Keeper::Report::Kind;

/// A shell script under a keeper. What it prints can be read line by line, and ends when the last
/// process that could print has ended.
class KeeperTest : public ::testing::Test {
  public:
    void start(const std::string& script, int last_signal = 0) {
        auto pipe = process::Pipe::make();
        ASSERT_TRUE(pipe);
        output = std::move(pipe->read);
        process::SpawnOptions program;
        program.command = {"/bin/sh", "-c", script};
        program.environment = {"PATH=/usr/bin:/bin"};
        program.output = pipe->write.get();
        auto started = Keeper::start(program, last_signal);
        ASSERT_TRUE(started) << started.error().message();
        keeper.emplace(std::move(*started));
        ASSERT_EQ(next().kind, Said::spawned);
    }

    Keeper::Report next() {
        for (;;) {
            if (auto report = keeper->read()) return *report;
            pollfd said{.fd = keeper->descriptor(), .events = POLLIN, .revents = 0};
            ::poll(&said, 1, -1);
        }
    }

    /// Without the newline; empty at the end.
    std::string read_line() {
        std::string line;
        char byte = 0;
        while (::read(output.get(), &byte, 1) == 1 && byte != '\n')
            line += byte;
        return line;
    }

    Descriptor output;
    std::optional<Keeper> keeper;
};

TEST_F(KeeperTest, TellsHowItsProgramEnded) {
    start("exit 7");

    const Keeper::Report ended = next();

    EXPECT_EQ(ended.kind, Said::ended);
    EXPECT_EQ(ended.ending, (Ending{.code = 7}));
    EXPECT_EQ(next().kind, Said::all_gone);
}

TEST_F(KeeperTest, SaysWhyAProgramCannotBeStarted) {
    process::SpawnOptions program;
    program.command = {"/nowhere/program"};

    auto started = Keeper::start(program);
    ASSERT_TRUE(started);
    keeper.emplace(std::move(*started));
    const Keeper::Report report = next();

    EXPECT_EQ(report.kind, Said::not_spawned);
    EXPECT_NE(report.why.find("/nowhere/program"), std::string::npos) << report.why;
}

TEST_F(KeeperTest, PassesFurtherDescriptorsOnAndKeepsNoneOfThem) {
    auto pipe = process::Pipe::make();
    ASSERT_TRUE(pipe);
    process::SpawnOptions program;
    program.command = {"/bin/sh", "-c", "echo here >&7; exec sleep 1000 7>&-"};
    program.environment = {"PATH=/usr/bin:/bin"};
    program.descriptors = {{pipe->write.get(), 7}};
    output = std::move(pipe->read);

    auto started = Keeper::start(program);
    ASSERT_TRUE(started);
    keeper.emplace(std::move(*started));
    pipe->write.reset();

    EXPECT_EQ(read_line(), "here");
    EXPECT_EQ(read_line(), "");  // nobody else has it
}

TEST_F(KeeperTest, KnowsWhatLeftItsSessionAndItsParent) {
    start("setsid sh -c 'echo away; exec sleep 1000' & wait $!; echo never");
    ASSERT_EQ(read_line(), "away");

    EXPECT_EQ(use_of(descendants_of(keeper->pid())).processes, 2U);
    keeper->tell(Keeper::Order::signal_leader, SIGKILL);
    EXPECT_EQ(next().ending.signal, SIGKILL);
    EXPECT_EQ(use_of(descendants_of(keeper->pid())).processes, 1U);
    EXPECT_FALSE(keeper->read());
    keeper->tell(Keeper::Order::kill_all);

    EXPECT_EQ(next().kind, Said::all_gone);
    EXPECT_EQ(read_line(), "");
}

TEST_F(KeeperTest, KillsWhatForkedTwiceAndClearedItsEnvironment) {
    start(
        "(env -i setsid sh -c 'trap \"\" TERM; echo away; while :; do sleep 1000; done' &) ; exit 0"
    );
    ASSERT_EQ(read_line(), "away");
    ASSERT_EQ(next().kind, Said::ended);

    keeper->tell(Keeper::Order::kill_all);

    EXPECT_EQ(next().kind, Said::all_gone);
    EXPECT_EQ(read_line(), "");
}

TEST_F(KeeperTest, WhatALeaderLeavesBehindIsSignalled) {
    start(
        "setsid sh -c 'trap \"echo asked; exit 0\" USR1; echo up; while :; do sleep 0.01; done' & "
        "wait; echo never",
        SIGUSR1
    );
    ASSERT_EQ(read_line(), "up");

    keeper->tell(Keeper::Order::signal_leader, SIGKILL);

    EXPECT_EQ(next().ending.signal, SIGKILL);

    EXPECT_EQ(read_line(), "asked");
    EXPECT_EQ(next().kind, Said::all_gone);
}

TEST_F(KeeperTest, ASignalForTheGroupReachesItsChildren) {
    start(
        "sh -c 'trap \"echo child; exit 0\" TERM; echo up; while :; do sleep 0.01; done' & "
        "trap 'wait; echo leader; exit 3' TERM; wait; echo never"
    );
    ASSERT_EQ(read_line(), "up");

    keeper->tell(Keeper::Order::signal_group, SIGTERM);

    EXPECT_EQ(read_line(), "child");
    EXPECT_EQ(read_line(), "leader");
    EXPECT_EQ(next().ending, (Ending{.code = 3}));
    EXPECT_EQ(next().kind, Said::all_gone);
}

TEST_F(KeeperTest, AnOrderThatComesTooLateLosesNoReport) {
    for (int i = 0; i < 30; ++i) {
        start("exit 3");

        keeper->tell(Keeper::Order::signal_leader, 0);

        ASSERT_EQ(next().ending, (Ending{.code = 3}));
        keeper->tell(Keeper::Order::signal_leader, 0);
        ASSERT_EQ(next().kind, Said::all_gone);
    }
}

TEST_F(KeeperTest, NothingOutlivesASupervisorThatGoes) {
    start("setsid sh -c 'trap \"\" TERM HUP; echo away; while :; do sleep 1000; done' & wait");
    ASSERT_EQ(read_line(), "away");

    keeper.reset();

    EXPECT_EQ(read_line(), "");
}

TEST_F(KeeperTest, ALostKeeperTakesItsLeaderWithIt) {
    start("echo up; exec sleep 1000");
    ASSERT_EQ(read_line(), "up");

    ::kill(keeper->pid(), SIGKILL);

    EXPECT_EQ(next().kind, Said::lost);
    EXPECT_EQ(read_line(), "");
}

TEST_F(KeeperTest, HoldsNothingOpenOfOthers) {
    auto pipe = process::Pipe::make();
    ASSERT_TRUE(pipe);
    start("exec sleep 1000");

    pipe->write.reset();
    char byte = 0;

    EXPECT_EQ(::read(pipe->read.get(), &byte, 1), 0);
}

TEST(DescendantsTest, CountsMemoryAndTimeOfThoseThatRun) {
    const ResourceUse ours = use_of({::getpid()});

    EXPECT_EQ(ours.processes, 1U);
    EXPECT_GT(ours.memory_bytes, 1U << 20);
    EXPECT_EQ(use_of({}), ResourceUse{});
    EXPECT_EQ(use_of({0}), ResourceUse{});
}

}  // namespace
}  // namespace tranter::supervise
