#include "cli/console_output.hpp"

#include "base/log.hpp"
#include "process/descriptor.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>

namespace tranter::cli {
namespace {

std::string say_lost(std::uint64_t lines) {
    return std::to_string(lines) + " lost\n";
}

/// A pipe that is read when the test says so.
class ConsoleOutputTest : public ::testing::Test {
  public:
    ConsoleOutputTest() {
        auto made = process::Pipe::make();
        EXPECT_TRUE(made);
        if (made) pipe = std::move(*made);
    }

    std::string read_until(const std::string& end) const {
        return read_while([&end](const std::string& text) { return !text.ends_with(end); });
    }
    std::string read_bytes(std::size_t count) const {
        return read_while([count](const std::string& text) { return text.size() < count; });
    }
    template <class GoesOn>
    std::string read_while(const GoesOn& goes_on) const {
        std::string out;
        std::array<char, 4096> bytes{};
        while (goes_on(out)) {
            pollfd readable{.fd = pipe.read.get(), .events = POLLIN, .revents = 0};
            constexpr int patience_millis = 60'000;
            if (::poll(&readable, 1, patience_millis) != 1) break;
            const ssize_t got = ::read(pipe.read.get(), bytes.data(), bytes.size());
            if (got <= 0) break;
            out.append(bytes.data(), static_cast<std::size_t>(got));
        }
        return out;
    }

    process::Pipe pipe{};
    const std::string line = std::string(99, 'x') + "\n";
};

TEST_F(ConsoleOutputTest, WhatNobodyReadsHoldsUpNobodyAndIsCounted) {
    ConsoleOutput output(
        {.fd = pipe.write.get(), .waiting_bytes_max = 100'000, .say_dropped = say_lost}
    );

    // More than the pipe and what may wait hold together.
    constexpr int lines = 3'000;
    for (int i = 0; i < lines; ++i)
        output.print(line);
    const std::string first = read_until(" lost\n");
    output.print("again\n");

    const auto kept = std::count(first.begin(), first.end(), '\n') - 1;
    EXPECT_GE(kept, 1'000);
    EXPECT_LT(kept, lines);
    EXPECT_TRUE(first.ends_with("x\n" + say_lost(static_cast<std::uint64_t>(lines - kept))));
    EXPECT_EQ(read_until("again\n"), "again\n");
}

TEST_F(ConsoleOutputTest, SaysALineThatIsTooLongAtOnce) {
    ConsoleOutput output({.fd = pipe.write.get(), .waiting_bytes_max = 50, .say_dropped = say_lost}
    );

    output.print(line);

    EXPECT_EQ(read_until(" lost\n"), "1 lost\n");
}

TEST_F(ConsoleOutputTest, WritesToADescriptorThatDoesNotBlock) {
    ASSERT_EQ(::fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK), 0);
    ConsoleOutput output({.fd = pipe.write.get(), .say_dropped = say_lost});

    for (int i = 0; i < 2'000; ++i)
        output.print(line);
    output.print("end\n");

    EXPECT_EQ(read_until("end\n").size(), 200'004U);
}

TEST_F(ConsoleOutputTest, ItsEndWaitsForNobody) {
    {
        ConsoleOutput output({.fd = pipe.write.get(), .say_dropped = say_lost});
        for (int i = 0; i < 2'000; ++i)
            output.print(line);
    }

    // The thread that was left to itself goes on as long as there is somebody.
    EXPECT_EQ(read_bytes(200'000).size(), 200'000U);
}

TEST_F(ConsoleOutputTest, ABrokenPipeIsNoTrouble) {
    std::signal(SIGPIPE, SIG_IGN);
    ConsoleOutput output({.fd = pipe.write.get(), .say_dropped = say_lost});
    pipe.read.reset();

    for (int i = 0; i < 2'000; ++i)
        output.print(line);
    output.wait_until_printed();
}

TEST_F(ConsoleOutputTest, TheLogMayGoThere) {
    start_logging({.format = LogFormat::logfmt});
    ConsoleOutput output({.fd = pipe.write.get(), .say_dropped = say_lost});
    set_log_output(output.printer());

    log_info("test", "something", {{"n", 1}});
    set_log_output({});

    EXPECT_TRUE(read_until("\n").ends_with(" level=info msg=something component=test n=1\n"));
}

}  // namespace
}  // namespace tranter::cli
