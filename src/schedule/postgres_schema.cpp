#include "schedule/postgres_schema.hpp"

#include "schedule/store_parts.hpp"

#include <array>

namespace tranter::schedule {
namespace {

// The same tables as in sqlite_schema.cpp, which says what is in them. Names are compared by their
// bytes, so that lists have the same order everywhere.
constexpr postgres::Migration postgres_version_1 = R"sql(
CREATE TABLE tranter.recurring_jobs(
    name text COLLATE "C" PRIMARY KEY, schedule text NOT NULL, timezone text NOT NULL,
    queue text NOT NULL, type text NOT NULL, payload text NOT NULL, job_group text NOT NULL,
    options text NOT NULL, rules text NOT NULL, source smallint NOT NULL, enabled boolean NOT NULL,
    pause_reason text NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
    next_run_at timestamptz, due_at timestamptz, last_run_at timestamptz, last_job text NOT NULL,
    last_error text NOT NULL, runs bigint NOT NULL, missed bigint NOT NULL, skipped bigint NOT NULL,
    version bigint NOT NULL);
CREATE INDEX recurring_jobs_due ON tranter.recurring_jobs(due_at) WHERE enabled;
CREATE TABLE tranter.schedule_runs(
    schedule text COLLATE "C" NOT NULL, slot timestamptz NOT NULL, manual boolean NOT NULL,
    state smallint NOT NULL, job_id text NOT NULL, created_at timestamptz NOT NULL,
    claimed_until timestamptz, tries integer NOT NULL, error text NOT NULL, enqueued_at timestamptz,
    queue text NOT NULL, type text NOT NULL, payload text NOT NULL, job_group text NOT NULL,
    options text NOT NULL, PRIMARY KEY(schedule, slot, manual));
CREATE INDEX schedule_runs_claimed ON tranter.schedule_runs(claimed_until) WHERE state = 0;
CREATE INDEX schedule_runs_buffered ON tranter.schedule_runs(schedule, slot) WHERE state = 1;
CREATE INDEX schedule_runs_ended ON tranter.schedule_runs(created_at) WHERE state >= 2;
CREATE TABLE tranter.scheduled_jobs(
    id text COLLATE "C" PRIMARY KEY, queue text NOT NULL, type text NOT NULL, payload text NOT NULL,
    job_group text NOT NULL, options text NOT NULL, scheduled_for timestamptz NOT NULL,
    status smallint NOT NULL, ready_at timestamptz NOT NULL, held boolean NOT NULL,
    tries integer NOT NULL, error text NOT NULL, created_at timestamptz NOT NULL,
    ended_at timestamptz);
CREATE INDEX scheduled_jobs_ready ON tranter.scheduled_jobs(ready_at) WHERE status = 0;
CREATE INDEX scheduled_jobs_due ON tranter.scheduled_jobs(scheduled_for, id) WHERE status = 0;
CREATE INDEX scheduled_jobs_ended ON tranter.scheduled_jobs(ended_at) WHERE status > 0;
CREATE TABLE tranter.schedule_leases(
    role text PRIMARY KEY, owner text NOT NULL, until timestamptz NOT NULL);
)sql";

constexpr postgres::Migration postgres_version_2 = R"sql(
CREATE INDEX scheduled_jobs_held ON tranter.scheduled_jobs(ready_at) WHERE held;
)sql";

constexpr postgres::Migration postgres_version_3 = R"sql(
CREATE INDEX schedule_runs_open ON tranter.schedule_runs(schedule, slot, manual, state)
    WHERE state < 2;
)sql";

constexpr postgres::Migration postgres_version_4 = R"sql(
CREATE TABLE tranter.schedule_requests(
    name text COLLATE "C" PRIMARY KEY, slot timestamptz NOT NULL, manual boolean NOT NULL,
    made_at timestamptz NOT NULL);
CREATE INDEX schedule_requests_made ON tranter.schedule_requests(made_at);
)sql";

constexpr postgres::Migration postgres_version_1_reversed = R"sql(
DROP TABLE tranter.recurring_jobs, tranter.schedule_runs, tranter.scheduled_jobs,
    tranter.schedule_leases;
)sql";
constexpr postgres::Migration postgres_version_2_reversed = R"sql(
DROP INDEX tranter.scheduled_jobs_held;
)sql";
constexpr postgres::Migration postgres_version_3_reversed = R"sql(
DROP INDEX tranter.schedule_runs_open;
)sql";
constexpr postgres::Migration postgres_version_4_reversed = R"sql(
DROP TABLE tranter.schedule_requests;
)sql";

constexpr std::array all_postgres_migrations = {
    postgres_version_1, postgres_version_2, postgres_version_3, postgres_version_4};
constexpr std::array all_postgres_reversals = {
    postgres_version_1_reversed,
    postgres_version_2_reversed,
    postgres_version_3_reversed,
    postgres_version_4_reversed};
static_assert(all_postgres_reversals.size() == all_postgres_migrations.size());

}  // namespace

std::span<const postgres::Migration> postgres_migrations() {
    return all_postgres_migrations;
}

std::span<const postgres::Migration> postgres_reversals() {
    return all_postgres_reversals;
}

void migrate_postgres(postgres::Connection& connection) {
    postgres::migrate(connection, postgres_room, postgres_migrations());
}

std::size_t postgres_version(postgres::Connection& connection) {
    return postgres::version_of(connection, postgres_room);
}

Result<> check_postgres_version(postgres::Connection& connection) {
    return check_schema_version(postgres_version(connection), postgres_migrations().size());
}

}  // namespace tranter::schedule
