#include "history/entry.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tranter::history {
namespace {

TEST(LogLinesTest, SplitsTextAtNewlines) {
    LogLines log;

    log.append("one\ntwo\n");
    log.append("");
    log.append("three");

    EXPECT_EQ(log.text(), "one\ntwo\n\nthree\n");
    EXPECT_EQ(log.dropped(), 0U);
}

TEST(LogLinesTest, DropsTheOldestBeyondTheNumberOfLinesAndSaysHowMany) {
    LogLines log;

    for (std::size_t i = 0; i < LogLines::lines_max + 3; ++i)
        log.append(std::to_string(i));

    EXPECT_EQ(log.lines().size(), LogLines::lines_max);
    EXPECT_EQ(log.lines().front(), "3");
    EXPECT_EQ(log.dropped(), 3U);
}

TEST(LogLinesTest, DropsTheOldestBeyondTheNumberOfBytes) {
    LogLines log;
    const std::string line((LogLines::bytes_max / 4) - 1, 'x');

    for (int i = 0; i < 6; ++i)
        log.append(line);

    EXPECT_EQ(log.lines().size(), 4U);
    EXPECT_EQ(log.dropped(), 2U);
    EXPECT_EQ(log.text().size(), LogLines::bytes_max);
}

TEST(LogLinesTest, KeepsTheEndOfALineThatIsTooLongAlone) {
    LogLines log;

    log.append(std::string(LogLines::bytes_max, 'x') + "end");

    EXPECT_EQ(log.text().size(), LogLines::bytes_max);
    EXPECT_TRUE(log.lines().front().ends_with("xend"));
}

TEST(StateTest, IsFoundByItsName) {
    for (const State state : all_states)
        EXPECT_EQ(find_state(state_name(state)), state);
    EXPECT_FALSE(find_state("pending"));
}

TEST(LaterEnd, IsTheOneThatEndedLaterWhicheverWasToldFirst) {
    JobEntry early;
    early.state = State::failed;
    early.finished = Instant(Duration(1));
    JobEntry late;
    late.finished = Instant(Duration(2));
    EXPECT_EQ(later_end(early, late), late);
    EXPECT_EQ(later_end(late, early), late);
    EXPECT_EQ(later_end(std::nullopt, early), early);
    EXPECT_EQ(later_end(early, std::nullopt), early);
    EXPECT_EQ(later_end(std::nullopt, std::nullopt), std::nullopt);
    late.finished = early.finished;
    EXPECT_EQ(later_end(early, late), early);
}

}  // namespace
}  // namespace tranter::history
