#include "postgres_jobs/test_provider.hpp"

#include <tranter/connection_metrics.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace tranter::postgres_jobs {
namespace {

class ConnectionsTest : public test::ProviderInDatabase {
  public:
    ~ConnectionsTest() override = default;
};

TEST_F(ConnectionsTest, WhoOnlyEnqueuesDoesNotListen) {
    enqueue(job("1"));

    const ConnectionMetrics metrics = provider().connections().value();

    EXPECT_FALSE(metrics.listening);
    EXPECT_GE(metrics.made, 1U);
    EXPECT_GE(metrics.open, 1U);
    EXPECT_LE(metrics.open, metrics.most);
    EXPECT_EQ(metrics.failed, 0U);
}

TEST_F(ConnectionsTest, WhoWaitsForJobsListensAndAgainOnceHisConnectionWasLost) {
    enqueue(job("1"));
    (void)take();
    const auto listening = [&] {
        return provider().connections()->listening.value();
    };
    while (!listening().hears)
        std::this_thread::yield();
    EXPECT_EQ(listening().made, 1U);
    EXPECT_FALSE(listening().pooled);

    // Who does nothing but listen has said so last.
    database().query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query LIKE 'LISTEN %'"
    );

    while (listening().made == 1 || !listening().hears)
        std::this_thread::yield();
    EXPECT_EQ(listening().made, 2U);
}

TEST_F(ConnectionsTest, EveryKindOfErrorIsThereFromTheStart) {
    const auto errors = provider().connections()->errors;

    EXPECT_GT(errors.size(), 5U);
    EXPECT_TRUE(std::ranges::all_of(errors, [](const ConnectionMetrics::Kind& one) {
        return !one.name.empty() && one.count == 0;
    }));
}

}  // namespace
}  // namespace tranter::postgres_jobs
