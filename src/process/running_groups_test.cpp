#include "process/running_groups.hpp"

#include "process/descriptor.hpp"
#include "process/spawn.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tranter::process {
namespace {

/// A shell and what it has started, which hold the pipe open for as long as they live.
class Brood {
  public:
    Brood() {
        auto pipe = Pipe::make();
        if (!pipe) throw std::runtime_error(pipe.error().message());
        auto child = spawn(
            {.command = {"/bin/sh", "-c", "sleep 600 & echo started; wait"},
             .environment = {"PATH=/usr/bin:/bin"},
             .output = pipe->write.get()}
        );
        if (!child) throw std::runtime_error(child.error().message());
        child_ = std::move(*child);
        output_ = std::move(pipe->read);
    }
    ~Brood() {
        child_.signal_group(SIGKILL);
        child_.wait();
    }
    Brood(const Brood&) = delete;
    Brood& operator=(const Brood&) = delete;

    /// Empty when all of them have ended.
    std::string read_some() const {
        std::array<char, 64> bytes{};
        const auto got = ::read(output_.get(), bytes.data(), bytes.size());
        return std::string(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    }
    Child& child() { return child_; }

  private:
    Child child_{};
    Descriptor output_{};
};

TEST(RunningGroups, AreKilledWithAllThatTheyHaveStarted) {
    Brood brood;
    ASSERT_EQ(brood.read_some(), "started\n");

    kill_running_groups();

    EXPECT_EQ(brood.read_some(), "");
    EXPECT_EQ(brood.child().wait().signal, SIGKILL);
}

TEST(RunningGroups, MayBeMany) {
    constexpr pid_t nobody = 1 << 30;
    std::vector<RunningGroup> others;
    for (int i = 0; i < 1'000; ++i)
        others.emplace_back(nobody);
    Brood last;
    ASSERT_EQ(last.read_some(), "started\n");
    others.erase(others.begin(), others.begin() + 500);

    kill_running_groups();

    EXPECT_EQ(last.read_some(), "");
}

TEST(RunningGroups, OneThatWasWaitedForIsNotKilled) {
    Brood first;
    ASSERT_EQ(first.read_some(), "started\n");
    // Its leader ends and is waited for, and the rest of it stays.
    first.child().signal(SIGKILL);
    first.child().wait();
    Brood second;
    ASSERT_EQ(second.read_some(), "started\n");

    kill_running_groups();

    EXPECT_EQ(second.read_some(), "");
    EXPECT_EQ(::kill(-first.child().pid(), 0), 0) << "not ours any more";
    ::kill(-first.child().pid(), SIGKILL);
    EXPECT_EQ(first.read_some(), "");
}

}  // namespace
}  // namespace tranter::process
