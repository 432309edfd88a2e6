#include "postgres_jobs/test_provider.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

/// How many rows of the hot table one call looks at, in a database whose statistics know nothing.
class HandOutPlansTest : public test::ProviderInDatabase {
  public:
    // Of this session so far.
    static constexpr const char* scans_of_table =
        "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = 'tranter.jobs'::regclass";
    static constexpr const char* rows_of_table =
        "SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'tranter.jobs'::regclass";

    void SetUp() override {
        database().run("ALTER TABLE tranter.jobs SET (autovacuum_enabled = false)");
        enqueue(job("\"0\""));
        add_rows(0, 30'000);
        add_rows(2, 5'000);
    }

    /// Six times, so that the plan for good is used.
    void expect_few_rows(const std::string& call) {
        for (int i = 0; i < 6; ++i) {
            database().run("BEGIN");
            const std::int64_t scans = number(scans_of_table);
            const std::int64_t rows = number(rows_of_table);
            database().query(call.c_str());
            EXPECT_EQ(number(scans_of_table), scans) << "reads the whole table: " << call;
            EXPECT_LT(number(rows_of_table) - rows, 90) << call;
            database().run("ROLLBACK");
        }
    }

    std::vector<std::string> calls() {
        const std::string ids = text(
            "SELECT quote_literal(array_agg(id)::text) || '::uuid[]' FROM "
            "(SELECT id FROM tranter.jobs WHERE state = 2 LIMIT 3) held"
        );
        const std::string held = ids + ", ARRAY[1,1,1]";
        return {
            "SELECT tranter.fetch(1, 10, 30000, 'w', true, 0)",
            "SELECT tranter.extend(1, " + held + ", 30000)",
            "SELECT tranter.complete(1, " + held + ", ARRAY[NULL,NULL,NULL])",
            "SELECT tranter.lock_attempts(1, " + held + ")",
            "SELECT tranter.end_attempts(1, " + ids +
                ", ARRAY['released', 'failed', 'dead'], ARRAY[0, 10, 0], "
                "ARRAY[NULL, '[]', '[]'], ARRAY[NULL, NULL, 'r'], 1)"};
    }

    void expect_plans() {
        for (const std::string& call : calls())
            expect_few_rows(call);
    }

    /// The plans are made after `clear`.
    void expect_plans_made_before(const char* clear) {
        const auto of_full_table = calls();
        database().run("CREATE TABLE public.rows_of_before AS SELECT * FROM tranter.jobs");
        database().run(clear);
        database().run("VACUUM (ANALYZE) tranter.jobs");
        for (const std::string& call : of_full_table) {
            database().run("BEGIN");
            database().query(call.c_str());
            database().run("ROLLBACK");
        }
        database().run(
            "INSERT INTO tranter.jobs SELECT * FROM public.rows_of_before ON CONFLICT DO NOTHING"
        );

        for (const std::string& call : of_full_table)
            expect_few_rows(call);
    }

  private:
    void add_rows(int state, int count) {
        const std::string sql = fmt::format(
            "INSERT INTO tranter.jobs(id, queue_id, state, rank, delivery, created_at, due_at, "
            "lease_until, type, payload) SELECT gen_random_uuid(), 1, {}, n, 1, now(), now(), "
            "now() + interval '1 hour', 'test.job', '1' FROM generate_series(1, {}) n",
            state,
            count
        );
        database().run(sql.c_str());
    }
};

TEST_F(HandOutPlansTest, NothingIsReadThatIsNotMeantWhenNothingIsKnownOfTheTable) {
    expect_plans();
}

TEST_F(HandOutPlansTest, NorWhenThePlansWereMadeWhileItWasEmpty) {
    expect_plans_made_before("TRUNCATE tranter.jobs");
}

TEST_F(HandOutPlansTest, NorWhenThePlansWereMadeWhileNothingWasRunning) {
    expect_plans_made_before("DELETE FROM tranter.jobs WHERE state = 2");
}

TEST_F(HandOutPlansTest, NorWhenAllIsKnown) {
    database().run("ANALYZE tranter.jobs");

    expect_plans();
}

}  // namespace
}  // namespace tranter::postgres_jobs
