#include "base/process_name.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace tranter {
namespace {

TEST(ProcessNameTest, IsTheNameOfTheMachineAndTheNumberOfTheProcess) {
    std::ifstream file("/proc/sys/kernel/hostname");
    std::string host;
    std::getline(file, host);

    EXPECT_EQ(host_name(), host);
    EXPECT_EQ(process_name(), (host.empty() ? "unknown" : host) + ":" + std::to_string(::getpid()));
}

TEST(ProcessNameTest, ACopyOfTheProcessHasItsOwn) {
    const std::string ours = process_name();
    const pid_t copy = ::fork();
    if (copy == 0) ::_exit(process_name() == ours ? 1 : 0);

    int status = -1;
    ASSERT_EQ(::waitpid(copy, &status, 0), copy);
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tranter
