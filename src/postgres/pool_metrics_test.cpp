#include "postgres/pool.hpp"
#include "postgres/test_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

namespace tranter::postgres {
namespace {

class PoolMetricsTest : public testing::Test {
  public:
    ~PoolMetricsTest() override = default;

  protected:
    static Result<> use(Connection& connection) {
        connection.query("SELECT 1");
        return {};
    }
    static std::uint64_t errors(const Pool& pool, Trouble trouble) {
        return pool.metrics().errors[static_cast<std::size_t>(trouble)];
    }
    /// From outside, as an administrator does it.
    void terminate(Connection& connection) {
        const auto pid = connection.query("SELECT pg_backend_pid()").integer(0, 0);
        const std::array<Parameter, 1> whose{fmt::format("{}", pid)};
        outside_.query("SELECT pg_terminate_backend($1)", whose);
        while (!outside_.query("SELECT FROM pg_stat_activity WHERE pid = $1", whose).empty())
            std::this_thread::yield();
    }

    const Target target_ = parse_target(test::server().new_database()).value();
    Connection outside_{target_};
    Pool pool_{target_, "the store of tests"};
};

TEST_F(PoolMetricsTest, ConnectionsAreBusyWhileACallHasThem) {
    EXPECT_EQ(pool_.metrics().open, 0U);

    EXPECT_TRUE(pool_.read([&](Connection& connection) {
        EXPECT_EQ(pool_.metrics().busy, 1U);
        EXPECT_TRUE(pool_.read(use));
        EXPECT_EQ(pool_.metrics().open, 2U);
        return use(connection);
    }));

    EXPECT_EQ(pool_.metrics().busy, 0U);
    EXPECT_EQ(pool_.metrics().open, 2U);
    EXPECT_EQ(pool_.metrics().made, 2U);
    EXPECT_EQ(pool_.metrics().waits, 0U);
}

TEST_F(PoolMetricsTest, ALostConnectionIsCountedAndSoIsTheNextOne) {
    bool is_first = true;
    EXPECT_TRUE(pool_.read([&](Connection& connection) {
        if (std::exchange(is_first, false)) terminate(connection);
        return use(connection);
    }));

    EXPECT_EQ(errors(pool_, Trouble::lost), 1U);
    EXPECT_EQ(pool_.metrics().made, 2U);
    EXPECT_EQ(pool_.metrics().open, 1U);
    EXPECT_EQ(pool_.metrics().failed, 0U);
}

TEST_F(PoolMetricsTest, ErrorsAreCountedByKindInEachWayToCall) {
    const auto divide = [](Connection& connection) -> Result<> {
        connection.query("SELECT 1 / 0");
        return {};
    };
    EXPECT_FALSE(pool_.read(divide));
    EXPECT_FALSE(pool_.write(divide));
    EXPECT_FALSE(pool_.once(divide));
    EXPECT_FALSE(pool_.bare(divide));

    EXPECT_EQ(errors(pool_, Trouble::other), 4U);
    EXPECT_EQ(errors(pool_, Trouble::lost), 0U);
    EXPECT_EQ(pool_.metrics().made, 1U);
}

TEST_F(PoolMetricsTest, WhereNobodyAnswersTriesAreCountedAndNothingIsOpen) {
    Pool pool(parse_target("postgres:///nobody?host=/nonexistent").value(), "the store of tests");

    EXPECT_FALSE(pool.read(use));

    EXPECT_EQ(pool.metrics().failed, 1U);
    EXPECT_EQ(errors(pool, Trouble::away), 1U);
    EXPECT_EQ(pool.metrics().open, 0U);
    EXPECT_EQ(pool.metrics().busy, 0U);
}

TEST_F(PoolMetricsTest, WhoFindsAllBusyIsCounted) {
    Pool pool(target_, "the store of tests", 1);
    std::jthread second;

    EXPECT_TRUE(pool.read([&](Connection& connection) {
        second = std::jthread([&pool] { EXPECT_TRUE(pool.read(use)); });
        while (pool.metrics().waits == 0)
            std::this_thread::yield();
        return use(connection);
    }));
    second.join();

    EXPECT_EQ(pool.metrics().waits, 1U);
    EXPECT_EQ(pool.metrics().made, 1U);
}

}  // namespace
}  // namespace tranter::postgres
