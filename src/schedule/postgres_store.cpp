#include "schedule/postgres_store.hpp"

#include "postgres/columns.hpp"
#include "schedule/postgres_rows.hpp"
#include "schedule/postgres_schema.hpp"

#include <fmt/format.h>

#include <array>
#include <set>
#include <string>

// Schedules and the lease; postgres_runs.cpp, postgres_settle.cpp and postgres_jobs.cpp have the
// rest.
namespace tranter::schedule {
namespace {

using postgres::Connection;
using postgres::Rows;

constexpr std::size_t schedule_columns = 16;

/// $1 to $16 of a schedule, created_at being $13.
std::array<postgres::Parameter, schedule_columns> schedule_parameters(const Schedule& schedule) {
    const ScheduleDefinition& definition = schedule.definition;
    return {
        text_parameter(definition.name),
        text_parameter(definition.expression),
        text_parameter(definition.timezone),
        text_parameter(definition.queue),
        text_parameter(definition.type),
        text_parameter(definition.payload),
        text_parameter(definition.options.group),
        options_column(definition.options),
        rules_column(definition.rules),
        number_parameter(schedule.source),
        flag_parameter(!schedule.paused),
        message_parameter(schedule.pause_reason),
        time_parameter(schedule.created_at),
        time_parameter(schedule.updated_at),
        time_parameter(schedule.next_slot),
        time_parameter(schedule.next_due)};
}

/// Somebody else's, while it lasts. Only reads, since those who stand by ask often.
std::optional<Lease> lease_of_another(
    Connection& connection, const std::array<postgres::Parameter, 4>& role_owner_now_until
) {
    const Rows found = connection.query(
        "SELECT owner, until FROM tranter.schedule_leases WHERE role = $1 AND owner <> $2 AND "
        "until > $3::timestamptz AND "
        "until <= $3::timestamptz + 10 * ($4::timestamptz - $3::timestamptz)",
        role_owner_now_until
    );
    if (found.empty()) return std::nullopt;
    return Lease{.owner = std::string(found.text(0, 0)), .until = read_time(found, 0, 1)};
}

}  // namespace

PostgresStore::PostgresStore(const postgres::Target& target)
    : session_(target, "the store of schedules", meter_), listener_(target, "tranter_schedule") {}

Result<> PostgresStore::make_tables() {
    return session_.read([](Connection& connection) -> Result<> {
        migrate_postgres(connection);
        return {};
    });
}

void notify_sleepers(Connection& connection) {
    connection.run("NOTIFY tranter_schedule");
}

Result<std::vector<bool>> PostgresStore::insert_new(std::span<const Schedule> schedules) {
    if (schedules.empty()) return std::vector<bool>();
    return session_.write([&](Connection& connection) -> Result<std::vector<bool>> {
        postgres::Columns<schedule_columns> columns;
        for (const Schedule& schedule : schedules)
            columns.add(schedule_parameters(schedule));
        const Rows found = connection.query(
            "INSERT INTO tranter.recurring_jobs(name, schedule, timezone, queue, type, payload, "
            "job_group, options, rules, source, enabled, pause_reason, created_at, updated_at, "
            "next_run_at, due_at, last_job, last_error, runs, missed, skipped, version) "
            "SELECT made.*, '', '', 0, 0, 0, 1 FROM unnest($1::text[], $2::text[], $3::text[], "
            "$4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], "
            "$10::smallint[], $11::boolean[], $12::text[], $13::timestamptz[], "
            "$14::timestamptz[], $15::timestamptz[], $16::timestamptz[]) AS made "
            "ON CONFLICT DO NOTHING RETURNING name",
            columns.parameters()
        );
        std::set<std::string, std::less<>> names;
        for (std::size_t row = 0; row < found.size(); ++row)
            names.emplace(found.text(row, 0));
        std::vector<bool> made;
        // a name that is there twice was inserted once
        for (const Schedule& schedule : schedules)
            made.push_back(names.erase(schedule.definition.name) > 0);
        if (!found.empty()) notify_sleepers(connection);
        return made;
    });
}

Result<Schedule> PostgresStore::find(std::string_view name) {
    return session_.read([&](Connection& connection) -> Result<Schedule> {
        const std::array parameters{text_parameter(name)};
        const Rows found =
            connection.query("SELECT * FROM tranter.recurring_jobs WHERE name = $1", parameters);
        if (found.empty()) return no_schedule(name);
        return read_schedule(found, 0);
    });
}

Result<std::vector<Schedule>> PostgresStore::list(std::string_view after, std::size_t max) {
    return session_.read([&](Connection& connection) -> Result<std::vector<Schedule>> {
        const std::array parameters{text_parameter(after), number_parameter(max)};
        return read_schedules(connection.query(
            "SELECT * FROM tranter.recurring_jobs WHERE name > $1 ORDER BY name LIMIT $2",
            parameters
        ));
    });
}

Result<std::uint64_t> PostgresStore::update(const Schedule& schedule) {
    return session_.write([&](Connection& connection) -> Result<std::uint64_t> {
        if (auto known = check_postgres_version(connection); !known) {
            return std::unexpected(known.error());
        }
        const std::array key{text_parameter(schedule.definition.name)};
        const Rows found = connection.query(
            "SELECT version FROM tranter.recurring_jobs WHERE name = $1 FOR UPDATE", key
        );
        if (found.empty()) return no_schedule(schedule.definition.name);
        const auto version = static_cast<std::uint64_t>(found.integer(0, 0));
        if (version != schedule.version) return other_version(schedule, version);
        auto parameters = schedule_parameters(schedule);
        parameters[12] = message_parameter(schedule.last_error);  // created_at stays
        connection.query(
            "UPDATE tranter.recurring_jobs SET schedule = $2, timezone = $3, queue = $4, type = "
            "$5, "
            "payload = $6, job_group = $7, options = $8, rules = $9, source = $10, enabled = $11, "
            "pause_reason = $12, last_error = $13, updated_at = $14, next_run_at = $15, "
            "due_at = $16, version = version + 1 WHERE name = $1",
            parameters
        );
        notify_sleepers(connection);
        return schedule.version + 1;
    });
}

Result<> PostgresStore::remove(std::string_view name) {
    return session_.write([&](Connection& connection) -> Result<> {
        const std::array key{text_parameter(name)};
        const Rows gone =
            connection.query("DELETE FROM tranter.recurring_jobs WHERE name = $1 RETURNING 1", key);
        if (gone.empty()) return no_schedule(name);
        const std::array parameters{text_parameter(name), text_parameter(schedule_is_gone)};
        connection.query(
            "UPDATE tranter.schedule_runs SET state = 3, error = $2, queue = '', type = '', "
            "payload = '', job_group = '', options = '' WHERE schedule = $1 AND state = 1",
            parameters
        );
        return {};
    });
}

Result<NextWork> PostgresStore::next_work() {
    return session_.read([](Connection& connection) -> Result<NextWork> {
        const Rows found = connection.query(
            "SELECT least((SELECT min(due_at) FROM tranter.recurring_jobs WHERE enabled), "
            "(SELECT min(claimed_until) FROM tranter.schedule_runs WHERE state = 0)), "
            "(SELECT min(ready_at) FROM tranter.scheduled_jobs WHERE status = 0), "
            "EXISTS(SELECT 1 FROM tranter.schedule_runs WHERE state = 1)"
        );
        return NextWork{
            .recurring = find_time(found, 0, 0),
            .timers = find_time(found, 0, 1),
            .buffered = found.boolean(0, 2)};
    });
}

Result<Lease> PostgresStore::take_lease(
    std::string_view role, std::string_view owner, TimePoint now, TimePoint until
) {
    const auto parameters = [&] {
        return std::array{
            text_parameter(role),
            text_parameter(owner),
            time_parameter(now),
            time_parameter(until)};
    };
    const auto other = session_.read([&](Connection& connection) -> Result<std::optional<Lease>> {
        if (auto known = check_postgres_version(connection); !known) {
            return std::unexpected(known.error());
        }
        return lease_of_another(connection, parameters());
    });
    if (!other) return std::unexpected(other.error());
    if (*other) return **other;
    return session_.write([&](Connection& connection) -> Result<Lease> {
        const Rows taken = connection.query(
            "INSERT INTO tranter.schedule_leases AS lease VALUES($1, $2, $4) "
            "ON CONFLICT(role) DO UPDATE SET owner = excluded.owner, until = excluded.until "
            "WHERE lease.owner = $2 OR lease.until <= $3::timestamptz OR "
            "lease.until > $3::timestamptz + 10 * ($4::timestamptz - $3::timestamptz) RETURNING 1",
            parameters()
        );
        const Lease mine{.mine = !taken.empty(), .owner = std::string(owner), .until = until};
        if (mine.mine) return mine;
        return lease_of_another(connection, parameters()).value_or(mine);
    });
}

Result<std::optional<Lease>> PostgresStore::find_lease(std::string_view role) {
    return session_.read([&](Connection& connection) -> Result<std::optional<Lease>> {
        const std::array parameters{text_parameter(role)};
        const Rows found = connection.query(
            "SELECT owner, until FROM tranter.schedule_leases WHERE role = $1", parameters
        );
        if (found.empty()) return std::nullopt;
        return Lease{.owner = std::string(found.text(0, 0)), .until = read_time(found, 0, 1)};
    });
}

Result<> PostgresStore::release_lease(std::string_view role, std::string_view owner) {
    return session_.write([&](Connection& connection) -> Result<> {
        const std::array parameters{text_parameter(role), text_parameter(owner)};
        const Rows gone = connection.query(
            "DELETE FROM tranter.schedule_leases WHERE role = $1 AND owner = $2 RETURNING 1",
            parameters
        );
        if (!gone.empty()) notify_sleepers(connection);
        return {};
    });
}

}  // namespace tranter::schedule
