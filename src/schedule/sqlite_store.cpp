#include "schedule/sqlite_store.hpp"

#include "base/time.hpp"
#include "schedule/sqlite_rows.hpp"
#include "schedule/sqlite_schema.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>

// Schedules, the lease, and what concerns the file; sqlite_runs.cpp and sqlite_jobs.cpp have the
// rest.
namespace tranter::schedule {
namespace {

constexpr std::string_view sqlite_memory = ":memory:";

std::string with_directory(const std::string& path) {
    const std::filesystem::path directory = std::filesystem::path(path).parent_path();
    if (path == sqlite_memory || directory.empty()) return path;
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    if (failed) {
        throw SystemError(
            fmt::format("cannot make the directory {}: {}", directory.string(), failed.message())
        );
    }
    return path;
}

/// The switch to WAL is refused, not waited for, while somebody else has the file open.
void use_wal(sqlite::Database& database) {
    constexpr int tries_max = 100;
    for (int tries = 1;; ++tries) {
        try {
            database.execute("PRAGMA journal_mode = WAL");
            return;
        } catch (const sqlite::DatabaseError& error) {
            if (!error.is_busy() || tries == tries_max) throw;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

void bind_schedule(sqlite::Statement& row, const Schedule& schedule) {
    row.bind(10, static_cast<std::int64_t>(schedule.source));
    row.bind(11, std::int64_t{schedule.paused ? 0 : 1}).bind(12, schedule.pause_reason);
    row.bind(14, micros(schedule.updated_at));
    bind_time(row, 15, schedule.next_slot);
    bind_time(row, 16, schedule.next_due);
}

void bind_definition(sqlite::Statement& row, const ScheduleDefinition& definition) {
    row.bind(1, definition.name).bind(2, definition.expression).bind(3, definition.timezone);
    row.bind(4, definition.queue).bind(5, definition.type).bind(6, definition.payload);
    row.bind(7, definition.options.group);
}

/// False when its name is there.
bool insert_schedule(sqlite::Database& database, const Schedule& schedule) {
    const std::string options = options_column(schedule.definition.options);
    const std::string rules = rules_column(schedule.definition.rules);
    const sqlite::StatementUse row = database.use(
        "INSERT INTO recurring_jobs VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
        "?13, ?14, ?15, ?16, NULL, '', '', 0, 0, 0, 1) ON CONFLICT DO NOTHING RETURNING 1"
    );
    bind_definition(*row, schedule.definition);
    row->bind(8, options).bind(9, rules).bind(13, micros(schedule.created_at));
    bind_schedule(*row, schedule);
    return row->step();
}

/// Somebody else's, while it lasts. Only reads, since those who stand by ask often.
std::optional<Lease> other_lease(
    sqlite::Database& database,
    std::string_view role,
    std::string_view owner,
    TimePoint now,
    TimePoint until
) {
    const sqlite::StatementUse row = database.use(
        "SELECT owner, until FROM leases WHERE role = ?1 AND owner <> ?2 AND until > ?3 AND "
        "until <= ?3 + 10 * (?4 - ?3)"
    );
    row->bind(1, role).bind(2, owner).bind(3, micros(now)).bind(4, micros(until));
    if (!row->step()) return std::nullopt;
    return Lease{.owner = std::string(row->text(0)), .until = time_point(row->integer(1))};
}

}  // namespace

SqliteStore::SqliteStore(const std::string& path)
    : database_(with_directory(path), sqlite::Database::Mode::write) {
    const bool in_memory = path == sqlite_memory;
    if (!in_memory) use_wal(database_);
    database_.execute("PRAGMA synchronous = FULL");
    migrate_sqlite(database_);
    if (!in_memory) bell_ = std::make_unique<Bell>(path + "-wake");
}

Result<std::vector<bool>> SqliteStore::insert_new(std::span<const Schedule> schedules) {
    return announced([&]() -> Result<std::vector<bool>> {
        std::vector<bool> made;
        made.reserve(schedules.size());
        sqlite::Transaction transaction(database_);
        for (const Schedule& schedule : schedules)
            made.push_back(insert_schedule(database_, schedule));
        transaction.commit();
        return made;
    });
}

Result<Schedule> SqliteStore::find(std::string_view name) {
    return guarded([&]() -> Result<Schedule> {
        const sqlite::StatementUse row =
            database_.use("SELECT * FROM recurring_jobs WHERE name = ?1");
        row->bind(1, name);
        if (!row->step()) return no_schedule(name);
        return read_schedule(*row);
    });
}

Result<std::vector<Schedule>> SqliteStore::list(std::string_view after, std::size_t max) {
    return guarded([&]() -> Result<std::vector<Schedule>> {
        const sqlite::StatementUse row =
            database_.use("SELECT * FROM recurring_jobs WHERE name > ?1 ORDER BY name LIMIT ?2");
        row->bind(1, after).bind(2, static_cast<std::int64_t>(max));
        return all_rows(*row, read_schedule);
    });
}

Result<std::uint64_t> SqliteStore::update(const Schedule& schedule) {
    return announced([&]() -> Result<std::uint64_t> {
        const std::string options = options_column(schedule.definition.options);
        const std::string rules = rules_column(schedule.definition.rules);
        sqlite::Transaction transaction(database_);
        if (auto known = check_sqlite_version(database_); !known) {
            return std::unexpected(known.error());
        }
        const sqlite::StatementUse found =
            database_.use("SELECT version FROM recurring_jobs WHERE name = ?1");
        found->bind(1, schedule.definition.name);
        if (!found->step()) return no_schedule(schedule.definition.name);
        const auto version = static_cast<std::uint64_t>(found->integer(0));
        if (version != schedule.version) return other_version(schedule, version);
        const sqlite::StatementUse row = database_.use(
            "UPDATE recurring_jobs SET schedule = ?2, timezone = ?3, queue = ?4, type = ?5, "
            "payload = ?6, job_group = ?7, options = ?8, rules = ?9, source = ?10, enabled = ?11, "
            "pause_reason = ?12, updated_at = ?14, next_run_at = ?15, due_at = ?16, "
            "last_error = ?17, version = version + 1 WHERE name = ?1"
        );
        bind_definition(*row, schedule.definition);
        row->bind(8, options).bind(9, rules).bind(17, schedule.last_error);
        bind_schedule(*row, schedule);
        row->run();
        transaction.commit();
        return schedule.version + 1;
    });
}

Result<> SqliteStore::remove(std::string_view name) {
    return guarded([&]() -> Result<> {
        sqlite::Transaction transaction(database_);
        const sqlite::StatementUse gone =
            database_.use("DELETE FROM recurring_jobs WHERE name = ?1 RETURNING 1");
        gone->bind(1, name);
        if (!gone->step()) return no_schedule(name);
        gone->reset();
        const sqlite::StatementUse runs = database_.use(
            "UPDATE schedule_runs SET state = 3, error = ?2, queue = '', type = '', payload = '', "
            "job_group = '', options = '' WHERE schedule = ?1 AND state = 1"
        );
        runs->bind(1, name).bind(2, schedule_is_gone);
        runs->run();
        transaction.commit();
        return {};
    });
}

Result<NextWork> SqliteStore::next_work() {
    return guarded([&]() -> Result<NextWork> {
        const sqlite::StatementUse row = database_.use(
            "SELECT (SELECT min(due_at) FROM recurring_jobs WHERE enabled = 1), "
            "(SELECT min(claimed_until) FROM schedule_runs WHERE state = 0), "
            "(SELECT min(ready_at) FROM scheduled_jobs WHERE status = 0), "
            "EXISTS(SELECT 1 FROM schedule_runs WHERE state = 1)"
        );
        NextWork next;
        if (!row->step()) return next;
        next.recurring = find_time(*row, 0);
        const auto claimed = find_time(*row, 1);
        if (claimed && (!next.recurring || *claimed < *next.recurring)) next.recurring = claimed;
        next.timers = find_time(*row, 2);
        next.buffered = row->integer(3) != 0;
        return next;
    });
}

Result<Lease> SqliteStore::take_lease(
    std::string_view role, std::string_view owner, TimePoint now, TimePoint until
) {
    return guarded([&]() -> Result<Lease> {
        if (auto known = check_sqlite_version(database_); !known) {
            return std::unexpected(known.error());
        }
        if (auto other = other_lease(database_, role, owner, now, until)) return *other;
        sqlite::Transaction transaction(database_);
        const sqlite::StatementUse take = database_.use(
            "INSERT INTO leases VALUES(?1, ?2, ?4) ON CONFLICT(role) DO UPDATE SET owner = ?2, "
            "until = ?4 WHERE owner = ?2 OR until <= ?3 OR until > ?3 + 10 * (?4 - ?3) RETURNING 1"
        );
        take->bind(1, role).bind(2, owner).bind(3, micros(now)).bind(4, micros(until));
        const bool mine = take->step();
        take->reset();
        auto other = mine ? std::nullopt : other_lease(database_, role, owner, now, until);
        transaction.commit();
        return other.value_or(Lease{.mine = mine, .owner = std::string(owner), .until = until});
    });
}

Result<std::optional<Lease>> SqliteStore::find_lease(std::string_view role) {
    return guarded([&]() -> Result<std::optional<Lease>> {
        const sqlite::StatementUse row =
            database_.use("SELECT owner, until FROM leases WHERE role = ?1");
        row->bind(1, role);
        if (!row->step()) return std::nullopt;
        return Lease{.owner = std::string(row->text(0)), .until = time_point(row->integer(1))};
    });
}

Result<> SqliteStore::release_lease(std::string_view role, std::string_view owner) {
    return announced([&]() -> Result<> {
        const sqlite::StatementUse row =
            database_.use("DELETE FROM leases WHERE role = ?1 AND owner = ?2");
        row->bind(1, role).bind(2, owner);
        row->run();
        return {};
    });
}

}  // namespace tranter::schedule
