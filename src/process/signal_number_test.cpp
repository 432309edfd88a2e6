#include "process/signal_number.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace tranter::process {
namespace {

TEST(SignalNumberTest, KnowsNamesInAnyFormAndNumbers) {
    for (const char* text : {"SIGUSR2", "USR2", "usr2", "sigusr2", "12"}) {
        const auto number = signal_number(text);
        ASSERT_TRUE(number) << text;
        EXPECT_EQ(*number, SIGUSR2) << text;
    }
}

TEST(SignalNumberTest, RefusesWhatIsNoSignal) {
    for (const char* text : {"", "0", "-9", "65", "9x", "SIG", "SIGNAL", "99999999999999999999"}) {
        const auto number = signal_number(text);
        ASSERT_FALSE(number) << text;
        EXPECT_EQ(number.error().code(), Errc::invalid_argument) << text;
    }
}

}  // namespace
}  // namespace tranter::process
