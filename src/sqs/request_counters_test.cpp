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

    counters.succeeded(0);
    counters.failed(0, Code::access_denied);
    counters.failed(0, Code::access_denied);
    counters.failed(RequestCounters::unknown_action, Code::invalid_action);

    const auto counts = counters.list();
    EXPECT_EQ(count_of(counts, "AddPermission", "OK"), 1U);
    EXPECT_EQ(count_of(counts, "AddPermission", "AccessDenied"), 2U);
    EXPECT_EQ(count_of(counts, "unknown", "InvalidAction"), 1U);
}

}  // namespace
}  // namespace tranter::sqs
