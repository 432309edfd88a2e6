#include "schedule/sqlite_rows.hpp"
#include "schedule/sqlite_store.hpp"

// How the store in SQLite stands.
namespace tranter::schedule {
namespace {

std::uint64_t count_at(const sqlite::Statement& row, int column) {
    return static_cast<std::uint64_t>(row.integer(column));
}

StoreOverview count_everything(sqlite::Database& database, TimePoint now) {
    const sqlite::StatementUse row = database.use(
        "SELECT (SELECT count(due_at) FROM recurring_jobs WHERE enabled = 1), "
        "(SELECT count(*) FROM recurring_jobs) - "
        "(SELECT count(*) FROM recurring_jobs WHERE enabled = 1), "
        "(SELECT count(*) FROM recurring_jobs WHERE enabled = 1 AND due_at <= ?1), "
        "(SELECT count(*) FROM schedule_runs WHERE state = 0), "
        "(SELECT count(*) FROM schedule_runs WHERE state = 1), "
        "(SELECT count(*) FROM scheduled_jobs WHERE status = 0), "
        "(SELECT count(*) FROM scheduled_jobs WHERE status = 0 AND scheduled_for <= ?1)"
    );
    row->bind(1, micros(now));
    if (!row->step()) return {};
    return {
        .enabled = count_at(*row, 0),
        .paused = count_at(*row, 1),
        .due = count_at(*row, 2),
        .claimed = count_at(*row, 3),
        .buffered = count_at(*row, 4),
        .jobs_waiting = count_at(*row, 5),
        .jobs_due = count_at(*row, 6)};
}

StoreOverview::Due read_due(const sqlite::Statement& row) {
    return {.name = std::string(row.text(0)), .due = time_point(row.integer(1))};
}

std::optional<StoreOverview::Due> find_due(sqlite::Database& database, sqlite::ConstantSql sql) {
    const sqlite::StatementUse row = database.use(sql);
    if (!row->step()) return std::nullopt;
    return read_due(*row);
}

}  // namespace

Result<StoreOverview> SqliteStore::overview(TimePoint now, std::size_t soonest_max) {
    return guarded([&]() -> Result<StoreOverview> {
        const sqlite::Transaction one_moment(database_, sqlite::Transaction::Kind::read);
        StoreOverview out = count_everything(database_, now);
        const sqlite::StatementUse soonest = database_.use(
            "SELECT name, due_at FROM recurring_jobs WHERE enabled = 1 AND due_at IS NOT NULL "
            "ORDER BY due_at LIMIT ?1"
        );
        soonest->bind(1, static_cast<std::int64_t>(soonest_max));
        out.soonest = all_rows(*soonest, read_due);
        out.oldest_run = find_due(
            database_,
            "SELECT schedule, created_at FROM schedule_runs WHERE state = 0 ORDER BY created_at "
            "LIMIT 1"
        );
        out.next_job = find_due(
            database_,
            "SELECT id, scheduled_for FROM scheduled_jobs WHERE status = 0 "
            "ORDER BY scheduled_for, id LIMIT 1"
        );
        return out;
    });
}

}  // namespace tranter::schedule
