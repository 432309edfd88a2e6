#include "sqs/request_counters.hpp"

#include <gtest/gtest.h>

namespace tranter::sqs {
namespace {

std::uint64_t count_of(
    const std::vector<RequestCounters::Count>& counts,
    std::string_view action,
    std::string_view code
) {
    for (const auto& one : counts) {
        if (one.action == action && one.code == code) return one.count;
    }
    return 0;
}

TEST(RequestCountersTest, ShowsEveryActionFromTheStart) {
    const RequestCounters counters;

    EXPECT_EQ(counters.list().size(), 23U);
}

TEST(RequestCountersTest, CountsByActionAndResult) {
    RequestCounters counters;

    const auto now = RequestCounters::Clock::now();
    counters.succeeded(0, now);
    counters.failed(0, Code::access_denied, now);
    counters.failed(0, Code::access_denied, now);
    counters.failed(RequestCounters::unknown_action, Code::invalid_action, now);

    const auto counts = counters.list();
    EXPECT_EQ(count_of(counts, "AddPermission", "OK"), 1U);
    EXPECT_EQ(count_of(counts, "AddPermission", "AccessDenied"), 2U);
    EXPECT_EQ(count_of(counts, "unknown", "InvalidAction"), 1U);
}

TEST(RequestCountersTest, MeasuresTheActionsThatWereCalled) {
    RequestCounters counters;
    const auto now = RequestCounters::Clock::now();

    counters.succeeded(0, now - std::chrono::hours(1));
    counters.failed(0, Code::access_denied, now - std::chrono::hours(1));

    const auto durations = counters.durations();
    ASSERT_EQ(durations.size(), 1U);
    EXPECT_EQ(durations[0].action, "AddPermission");
    ASSERT_EQ(durations[0].counts.size(), RequestCounters::duration_bounds.size() + 1);
    EXPECT_EQ(durations[0].counts.back(), 2U);
    EXPECT_NEAR(durations[0].sum, 7200, 60);
}

}  // namespace
}  // namespace tranter::sqs
