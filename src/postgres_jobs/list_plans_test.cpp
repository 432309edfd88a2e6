#include "postgres_jobs/maintenance.hpp"
#include "postgres_jobs/test_provider.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

namespace tranter::postgres_jobs {
namespace {

using test::must;

/// Which indexes answer what people ask when there are many jobs.
class ListPlansTest : public test::ProviderInDatabase {
  public:
    ListPlansTest() { enqueue(job("\"first\"")); }

    /// What a provider finds that nobody has asked anything yet. Once its connections have ended
    /// the server knows which indexes they have used.
    std::size_t found_by_another(const std::string& filter) {
        const auto other = must(open_postgres_provider(url(), {}));
        const std::size_t found = must(other->list({.filter = filter})).jobs.size();
        other->close();
        return found;
    }
    /// Whether so many entries of it were read.
    bool was_used(const std::string& index, std::int64_t entries) {
        const std::string sql = fmt::format(
            "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = '{}'", index
        );
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (number(sql.c_str()) < entries) {
            if (std::chrono::steady_clock::now() > until) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        return true;
    }
};

TEST_F(ListPlansTest, AWordInAPeriodThatEndedIsFoundByItsIndex) {
    database().run(R"sql(
        INSERT INTO tranter.finished_jobs(
            period, id, queue_id, state, attempt, priority, created_at, finished_at, job_group,
            type, payload)
        SELECT 1, gen_random_uuid(), 1, 3, 1, 5, now(), now() - n * interval '1 ms', '', 'mail',
            format('{"text":"invoice number%s"}', n)
        FROM generate_series(1, 20000) n;
        UPDATE tranter.periods SET begun_at = begun_at - interval '90 days')sql");
    postgres::Pool pool(postgres::parse_target(url()).value(), "the store of jobs");
    must(maintain(pool, MaintenanceTime::now));
    database().run("UPDATE tranter.periods SET ended_at = ended_at - interval '1 hour'");
    must(maintain(pool, MaintenanceTime::now));

    EXPECT_EQ(found_by_another("number19999"), 1U);

    EXPECT_TRUE(was_used("finished_jobs_1_words", 1));
}

TEST_F(ListPlansTest, FewThatRunAreFoundAmongManyThatWait) {
    database().run(R"sql(
        INSERT INTO tranter.jobs(
            id, queue_id, state, rank, created_at, due_at, type, payload, lease_until)
        SELECT gen_random_uuid(), 1, CASE WHEN n % 5000 = 0 THEN 2 ELSE 0 END, n, now(), now(),
            'mail', '1', now() + interval '1 hour'
        FROM generate_series(1, 20000) n;
        ANALYZE tranter.jobs)sql");

    EXPECT_EQ(found_by_another("state:processing"), 4U);

    EXPECT_TRUE(was_used("jobs_processing", 4));
}

}  // namespace
}  // namespace tranter::postgres_jobs
