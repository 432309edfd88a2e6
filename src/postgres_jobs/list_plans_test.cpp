#include "postgres_jobs/maintenance.hpp"
#include "postgres_jobs/test_provider.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace tranter::postgres_jobs {
namespace {

using test::must;

/// Which indexes answer what people ask when there are many jobs.
class ListPlansTest : public test::ProviderInDatabase {
  public:
    ListPlansTest() { enqueue(job("\"first\"")); }

    /// What a provider finds that nobody has asked anything yet. Its sessions have ended then, and
    /// with that the server knows which indexes they have used.
    std::size_t found_by_another(const std::string& filter) {
        const auto other = must(open_postgres_provider(url() + "&application_name=another", {}));
        const std::size_t found = must(other->list({.filter = filter})).jobs.size();
        other->close();
        // Waits for each that has not quite ended. What is not listed any more has been counted.
        database().query(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
            "WHERE application_name = 'another'"
        );
        return found;
    }
    std::int64_t entries_read_of(const std::string& index) {
        const std::string sql = fmt::format(
            "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = '{}'", index
        );
        return number(sql.c_str());
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

    EXPECT_GE(entries_read_of("finished_jobs_1_words"), 1);
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

    EXPECT_GE(entries_read_of("jobs_processing"), 4);
}

}  // namespace
}  // namespace tranter::postgres_jobs
