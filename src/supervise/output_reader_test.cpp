#include "supervise/output_reader.hpp"

#include "process/descriptor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::supervise {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OutputReaderTest : public ::testing::Test {
  public:
    OutputReaderTest() {
        auto made = process::Pipe::make();
        EXPECT_TRUE(made);
        if (!made) return;
        pipe = std::move(made->write);
        reader.emplace(
            OutputReader::Options{
                .loop = loop,
                .writer = logs,
                .taken =
                    [this](std::string_view lines) {
                        taken.emplace_back(lines);
                    }},
            std::move(made->read)
        );
    }
    void print(const std::string& text) {
        ASSERT_EQ(::write(pipe.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }

    SteadyClock clock;
    EventLoop loop = EventLoop(clock);
    LogWriter logs = LogWriter({.clock = clock});
    std::vector<std::string> taken;
    Descriptor pipe;
    std::optional<OutputReader> reader;
};

TEST_F(OutputReaderTest, GivesLinesWhenTheyAreWhole) {
    print("one\ntw");
    loop.run_once(clock.now());
    print("o\n");
    loop.run_once(clock.now());

    EXPECT_THAT(taken, ElementsAre("one\n", "two\n"));
}

TEST_F(OutputReaderTest, GivesTheRestAtTheEnd) {
    print("one\ntwo");
    pipe.reset();
    loop.run_once(clock.now());
    loop.run_once(clock.now());

    EXPECT_THAT(taken, ElementsAre("one\n", "two\n"));
}

TEST_F(OutputReaderTest, FinishTakesWhatIsThereWhoeverHoldsTheOtherEnd) {
    print("one\ntwo");

    reader->finish();
    reader->finish();
    loop.run_once(clock.now());

    EXPECT_THAT(taken, ElementsAre("one\n", "two\n"));
}

TEST_F(OutputReaderTest, FinishTakesAllOfALargePipe) {
    constexpr int room = 1 << 20;
    ASSERT_EQ(::fcntl(pipe.get(), F_SETPIPE_SZ, room), room);
    print(std::string(room - 1, 'x') + "\n");

    reader->finish();

    std::size_t bytes = 0;
    for (const std::string& lines : taken)
        bytes += lines.size() - static_cast<std::size_t>(std::ranges::count(lines, '\n'));
    EXPECT_EQ(bytes, static_cast<std::size_t>(room) - 1);
}

TEST_F(OutputReaderTest, TakesNoMoreThanItsShareInATurn) {
    constexpr int room = 1 << 20;
    ASSERT_EQ(::fcntl(pipe.get(), F_SETPIPE_SZ, room), room);
    for (int i = 0; i < 3; ++i)
        print(std::string((std::size_t{64} << 10) - 1, 'x') + "\n");

    loop.run_once(clock.now());

    EXPECT_EQ(taken.size(), 1U);
}

TEST_F(OutputReaderTest, ReadsNoMoreOnceItIsGone) {
    print("one\n");

    reader.reset();
    loop.run_once(clock.now());

    EXPECT_THAT(taken, IsEmpty());
}

}  // namespace
}  // namespace tranter::supervise
