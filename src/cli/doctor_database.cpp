#include "base/duration.hpp"
#include "base/log_text.hpp"
#include "base/secrets.hpp"
#include "cli/doctor_check.hpp"
#include "cli/doctor_tables.hpp"
#include "postgres/pool.hpp"
#include "postgres/target.hpp"
#include "postgres_jobs/schema.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string>

// A database of PostgreSQL with jobs in it. Nothing is opened as a store, which would make or
// change its tables.
namespace tranter::cli {
namespace {

using postgres::Connection;

constexpr std::string_view what_database_is("the database");
/// Rows that a vacuum could take away, beyond which tables are slow to look through.
constexpr std::int64_t dead_rows_many = 100'000;

constexpr const char* oldest_transaction =
    "SELECT pid, extract(epoch FROM now() - xact_start)::bigint, coalesce(usename, ''), state "
    "FROM pg_catalog.pg_stat_activity WHERE xact_start < now() - interval '5 minutes' "
    "AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend' "
    "ORDER BY xact_start LIMIT 1";
constexpr const char* rows_of_jobs =
    "SELECT n_live_tup, n_dead_tup, coalesce(to_char(greatest(last_vacuum, last_autovacuum), "
    "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'never') FROM pg_catalog.pg_stat_user_tables "
    "WHERE schemaname = 'tranter' AND relname = 'jobs'";

Finding judge_tables(JobTables tables) {
    switch (tables) {
        case JobTables::none:
            return Finding::warning("the database has no tables of jobs", "tranter db migrate");
        case JobTables::older:
            return Finding::warning(
                "the tables of jobs are of an older version", "tranter db migrate"
            );
        case JobTables::newer:
            return Finding::error(
                "a newer tranter has changed the tables of jobs", "the newer version of tranter"
            );
        case JobTables::current:
            break;
    }
    return Finding::fine("the tables of jobs are of this version");
}

Finding judge_pooler(const Connection& connection) {
    if (!connection.is_pooled()) {
        return Finding::fine("connections have a session of their own, so workers are woken");
    }
    return Finding::warning(
        "a pooler gives each transaction another session, so nobody can be woken: jobs begin up to "
        "WORKER_POLL_INTERVAL_MS later, 5s unless it is set",
        "a URL that leads past the pooler, or pool_mode = session"
    );
}

/// It keeps rows that were deleted since it began, and a table of jobs is nothing but such rows.
Finding judge_transactions(Connection& connection) {
    const auto found = connection.query(oldest_transaction);
    if (found.empty()) return Finding::fine("no transaction has been open for 5m");
    return Finding::warning(
        fmt::format(
            "a transaction of {} ({}) has been open for {}, and keeps vacuum from cleaning up",
            one_line(found.text(0, 2)),
            one_line(found.text(0, 3)),
            format_duration(std::chrono::seconds(found.integer(0, 1)))
        ),
        fmt::format("SELECT pg_terminate_backend({})", found.integer(0, 0))
    );
}

Finding judge_dead_rows(Connection& connection) {
    const auto found = connection.query(rows_of_jobs);
    const std::int64_t live = found.empty() ? 0 : found.integer(0, 0);
    const std::int64_t dead = found.empty() ? 0 : found.integer(0, 1);
    std::string text = fmt::format("tranter.jobs has {} rows and {} dead ones", live, dead);
    if (dead < dead_rows_many || dead < live) return Finding::fine(std::move(text));
    text += fmt::format(", which slow every hand-out down; last vacuum: {}", found.text(0, 2));
    return Finding::warning(std::move(text), "VACUUM tranter.jobs");
}

Result<std::vector<Finding>> look_at_database(Connection& connection) {
    const JobTables tables = age_of_job_tables(connection);
    std::vector<Finding> findings{
        judge_tables(tables), judge_pooler(connection), judge_transactions(connection)};
    if (tables != JobTables::none) findings.push_back(judge_dead_rows(connection));
    return findings;
}

template <class Work>
auto ask_database(std::string_view url, const Work& work)
    -> decltype(work(std::declval<Connection&>())) {
    const auto target = postgres::parse_target(url);
    if (!target) return std::unexpected(target.error());
    postgres::Pool pool(*target, std::string(what_database_is), 1);
    return pool.read(work);
}

}  // namespace

JobTables age_of_job_tables(Connection& connection) {
    const std::size_t found = postgres::version_of(connection, postgres_jobs::schema_room);
    const std::size_t known = postgres_jobs::migrations().size();
    if (found == 0) return JobTables::none;
    if (found == known) return JobTables::current;
    return found < known ? JobTables::older : JobTables::newer;
}

Result<> check_job_tables(std::string_view url) {
    const auto tables = ask_database(url, [](Connection& connection) -> Result<JobTables> {
        return age_of_job_tables(connection);
    });
    if (!tables) return std::unexpected(tables.error());
    if (*tables == JobTables::current) return {};
    return fail(Errc::unsupported, judge_tables(*tables).text);
}

std::vector<Finding> check_database(const Patient& patient) {
    if (!postgres::is_postgres_url(patient.provider)) {
        return {Finding::fine("no jobs are in a database of PostgreSQL")};
    }
    auto findings = ask_database(patient.provider, look_at_database);
    if (findings) return std::move(*findings);
    const bool is_refused = findings.error().code() == Errc::permission_denied;
    return {Finding::error(
        one_line(without_secrets(findings.error().message())),
        is_refused ? "GRANT tranter_worker TO this user, which `tranter db roles` makes"
                   : "--url URL, or `provider` in the configuration"
    )};
}

}  // namespace tranter::cli
