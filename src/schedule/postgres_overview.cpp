#include "schedule/postgres_rows.hpp"
#include "schedule/postgres_store.hpp"

#include <array>

// How the store in PostgreSQL stands. Its parts may be of different moments, which nobody who
// looks at figures can tell.
namespace tranter::schedule {
namespace {

using postgres::Connection;
using postgres::Rows;

StoreOverview counts_of_store(Connection& connection, TimePoint now) {
    const std::array parameters{time_parameter(now)};
    const Rows found = connection.query(
        "SELECT (SELECT count(due_at) FROM tranter.recurring_jobs WHERE enabled), "
        "(SELECT count(*) FROM tranter.recurring_jobs WHERE NOT enabled), "
        "(SELECT count(*) FROM tranter.recurring_jobs WHERE enabled AND due_at <= $1), "
        "(SELECT count(*) FROM tranter.schedule_runs WHERE state = 0), "
        "(SELECT count(*) FROM tranter.schedule_runs WHERE state = 1), "
        "(SELECT count(*) FROM tranter.scheduled_jobs WHERE status = 0), "
        "(SELECT count(*) FROM tranter.scheduled_jobs WHERE status = 0 AND scheduled_for <= $1)",
        parameters
    );
    const auto count = [&](int column) {
        return static_cast<std::uint64_t>(found.integer(0, column));
    };
    return {
        .enabled = count(0),
        .paused = count(1),
        .due = count(2),
        .claimed = count(3),
        .buffered = count(4),
        .jobs_waiting = count(5),
        .jobs_due = count(6)};
}

std::vector<StoreOverview::Due> names_and_times(const Rows& rows) {
    std::vector<StoreOverview::Due> out;
    out.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row)
        out.push_back({.name = std::string(rows.text(row, 0)), .due = read_time(rows, row, 1)});
    return out;
}

std::optional<StoreOverview::Due> first_due(Connection& connection, const char* sql) {
    auto all = names_and_times(connection.query(sql));
    if (all.empty()) return std::nullopt;
    return std::move(all.front());
}

}  // namespace

Result<StoreOverview> PostgresStore::overview(TimePoint now, std::size_t soonest_max) {
    return session_.read([&](Connection& connection) -> Result<StoreOverview> {
        StoreOverview out = counts_of_store(connection, now);
        const std::array most{number_parameter(soonest_max)};
        out.soonest = names_and_times(connection.query(
            "SELECT name, due_at FROM tranter.recurring_jobs WHERE enabled AND "
            "due_at IS NOT NULL ORDER BY due_at LIMIT $1",
            most
        ));
        out.oldest_run = first_due(
            connection,
            "SELECT schedule, created_at FROM tranter.schedule_runs WHERE state = 0 "
            "ORDER BY created_at LIMIT 1"
        );
        out.next_job = first_due(
            connection,
            "SELECT id, scheduled_for FROM tranter.scheduled_jobs WHERE status = 0 "
            "ORDER BY scheduled_for, id LIMIT 1"
        );
        return out;
    });
}

}  // namespace tranter::schedule
