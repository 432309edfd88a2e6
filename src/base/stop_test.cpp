#include "base/stop.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace tranter {
namespace {

TEST(Stop, EndsAWaitAndARest) {
    std::stop_source source;
    std::jthread asks([&] { source.request_stop(); });
    wait_for_stop(source.get_token());
    EXPECT_FALSE(rest(std::chrono::hours(1), source.get_token()));
}

TEST(Stop, LetsARestPassByItself) {
    EXPECT_TRUE(rest(std::chrono::milliseconds(1), std::stop_source().get_token()));
}

TEST(EitherStop, StopsWithEachOfTheTwo) {
    std::stop_source first;
    std::stop_source second;
    const EitherStop by_first(first.get_token(), second.get_token());
    EXPECT_FALSE(by_first.token().stop_requested());
    first.request_stop();
    EXPECT_TRUE(by_first.token().stop_requested());

    const EitherStop by_second({}, second.get_token());
    EXPECT_FALSE(by_second.token().stop_requested());
    second.request_stop();
    EXPECT_TRUE(by_second.token().stop_requested());
}

}  // namespace
}  // namespace tranter
