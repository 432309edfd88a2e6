#include "schedule/sqlite_schema.hpp"

#include "schedule/store_parts.hpp"

#include <array>
#include <cstdint>

namespace tranter::schedule {
namespace {

/// "TrSc"
constexpr std::int64_t sqlite_application = 0x54725363;

// Times are microseconds since 1970. Numbers of states are those of RunState and ScheduledState.
//
// recurring_jobs.next_run_at is the slot, due_at the same with its jitter.
// schedule_runs has one row for each slot, which is what keeps it from becoming two jobs.
// scheduled_jobs.ready_at is when somebody may take it: its time, a later try, or the moment at
// which whoever holds it (held = 1) has been silent for too long.
constexpr sqlite::Migration sqlite_version_1 = R"sql(
CREATE TABLE recurring_jobs(
    name TEXT PRIMARY KEY, schedule TEXT NOT NULL, timezone TEXT NOT NULL, queue TEXT NOT NULL,
    type TEXT NOT NULL, payload TEXT NOT NULL, job_group TEXT NOT NULL, options TEXT NOT NULL,
    rules TEXT NOT NULL, source INTEGER NOT NULL, enabled INTEGER NOT NULL,
    pause_reason TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    next_run_at INTEGER, due_at INTEGER, last_run_at INTEGER, last_job TEXT NOT NULL,
    last_error TEXT NOT NULL, runs INTEGER NOT NULL, missed INTEGER NOT NULL,
    skipped INTEGER NOT NULL, version INTEGER NOT NULL);
CREATE INDEX recurring_jobs_due ON recurring_jobs(due_at) WHERE enabled = 1;
CREATE TABLE schedule_runs(
    schedule TEXT NOT NULL, slot INTEGER NOT NULL, manual INTEGER NOT NULL, state INTEGER NOT NULL,
    job_id TEXT NOT NULL, created_at INTEGER NOT NULL, claimed_until INTEGER,
    tries INTEGER NOT NULL, error TEXT NOT NULL, enqueued_at INTEGER, queue TEXT NOT NULL,
    type TEXT NOT NULL, payload TEXT NOT NULL, job_group TEXT NOT NULL, options TEXT NOT NULL,
    PRIMARY KEY(schedule, slot, manual));
CREATE INDEX schedule_runs_claimed ON schedule_runs(claimed_until) WHERE state = 0;
CREATE INDEX schedule_runs_buffered ON schedule_runs(schedule, slot) WHERE state = 1;
CREATE INDEX schedule_runs_ended ON schedule_runs(created_at) WHERE state >= 2;
CREATE TABLE scheduled_jobs(
    id TEXT PRIMARY KEY, queue TEXT NOT NULL, type TEXT NOT NULL, payload TEXT NOT NULL,
    job_group TEXT NOT NULL, options TEXT NOT NULL, scheduled_for INTEGER NOT NULL,
    status INTEGER NOT NULL, ready_at INTEGER NOT NULL, held INTEGER NOT NULL,
    tries INTEGER NOT NULL, error TEXT NOT NULL, created_at INTEGER NOT NULL, ended_at INTEGER);
CREATE INDEX scheduled_jobs_ready ON scheduled_jobs(ready_at) WHERE status = 0;
CREATE INDEX scheduled_jobs_due ON scheduled_jobs(scheduled_for, id) WHERE status = 0;
CREATE INDEX scheduled_jobs_ended ON scheduled_jobs(ended_at) WHERE status > 0;
CREATE TABLE leases(role TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL);
)sql";

// Who looks for jobs whose holder has set its clock back must not look at all that wait.
constexpr sqlite::Migration sqlite_version_2 = R"sql(
CREATE INDEX scheduled_jobs_held ON scheduled_jobs(ready_at) WHERE held = 1;
)sql";

// Open runs of a schedule are counted for each of its slots, among all that it has had. A program
// of version 2 knows no anchors, and erases them: whatever is new in rules or options needs a
// version, which keeps older programs away.
constexpr sqlite::Migration sqlite_version_3 = R"sql(
CREATE INDEX schedule_runs_open ON schedule_runs(schedule, slot, manual, state) WHERE state < 2;
)sql";

// The name of a request, and the run that it was answered with.
constexpr sqlite::Migration sqlite_version_4 = R"sql(
CREATE TABLE schedule_requests(
    name TEXT PRIMARY KEY, slot INTEGER NOT NULL, manual INTEGER NOT NULL, made_at INTEGER NOT NULL);
CREATE INDEX schedule_requests_made ON schedule_requests(made_at);
)sql";

constexpr std::array all_sqlite_migrations = {
    sqlite_version_1, sqlite_version_2, sqlite_version_3, sqlite_version_4};

}  // namespace

std::span<const sqlite::Migration> sqlite_migrations() {
    return all_sqlite_migrations;
}

void migrate_sqlite(sqlite::Database& database) {
    sqlite::migrate(
        database,
        {.application_id = sqlite_application, .component = "schedule"},
        sqlite_migrations()
    );
}

Result<> check_sqlite_version(sqlite::Database& database) {
    const auto found = static_cast<std::size_t>(database.integer("PRAGMA user_version"));
    return check_schema_version(found, sqlite_migrations().size());
}

}  // namespace tranter::schedule
