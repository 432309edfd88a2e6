#include "base/log_text.hpp"
#include "base/suggest.hpp"
#include "jobs/queue_name.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

using postgres::Connection;
using postgres::Parameter;
using postgres::Rows;

// Each subquery is answered by the partial index of its state. A scheduled job that is due is
// pending, whether somebody has come by to say so or not. The oldest one stands among the first in
// line, as no priority is worth more than nine minutes.
constexpr std::string_view stats_sql = R"sql(
    SELECT q.name, q.paused, q.max_in_flight, q.max_in_flight_per_group, q.max_queued_per_group,
        q.fair,
        (SELECT count(*) FROM tranter.jobs
            WHERE queue_id = q.id AND state = 0 AND job_group = '')
        + (SELECT count(*) FROM tranter.jobs
            WHERE queue_id = q.id AND state = 0 AND job_group <> '')
        + (SELECT count(*) FROM tranter.jobs
            WHERE queue_id = q.id AND state = 1 AND due_at <= moment),
        (SELECT count(*) FROM tranter.jobs
            WHERE queue_id = q.id AND state = 1 AND due_at > moment),
        (SELECT count(*) FROM tranter.jobs WHERE queue_id = q.id AND state = 2),
        coalesce(t.completed, 0), coalesce(t.failed, 0), coalesce(t.dead, 0),
        coalesce(t.cancelled, 0),
        ceil(extract(epoch FROM moment - least(
            (SELECT min(due_at) FROM (
                SELECT due_at FROM tranter.jobs
                WHERE queue_id = q.id AND state = 0 AND job_group = '' ORDER BY rank LIMIT 100
            ) first),
            (SELECT min(due_at) FROM (
                SELECT due_at FROM tranter.jobs
                WHERE queue_id = q.id AND state = 0 AND job_group > '' ORDER BY rank LIMIT 100
            ) first),
            (SELECT min(due_at) FROM tranter.jobs
                WHERE queue_id = q.id AND state = 1 AND due_at <= moment))) * 1000)::bigint,
        d.name
    FROM tranter.queues q CROSS JOIN clock_timestamp() moment
        LEFT JOIN tranter.queues d ON d.id = q.dead_letter_id
        LEFT JOIN (
            SELECT queue_id, sum(completed)::bigint AS completed, sum(failed)::bigint AS failed,
                sum(dead)::bigint AS dead, sum(cancelled)::bigint AS cancelled
            FROM tranter.queue_tallies GROUP BY queue_id) t ON t.queue_id = q.id)sql";

const postgres::Statement& all_stats() {
    static const std::string sql = std::string(stats_sql) + " ORDER BY q.name";
    static const postgres::Statement statement(sql.c_str());
    return statement;
}

const postgres::Statement& stats_of_one() {
    static const std::string sql = std::string(stats_sql) + " WHERE q.name = $1";
    static const postgres::Statement statement(sql.c_str());
    return statement;
}

constexpr postgres::Statement without_dead_letters(R"sql(
    SELECT 1 FROM tranter.queues WHERE name = $1 AND dead_letter_id IS NULL)sql");

/// With more, it would take long to find out which one is meant.
constexpr postgres::Statement some_names(R"sql(
    SELECT name FROM tranter.queues ORDER BY name LIMIT 1000)sql");

constexpr postgres::Statement pause_one(R"sql(
    UPDATE tranter.queues SET paused = $2::boolean WHERE id = $1::integer
    RETURNING CASE WHEN NOT paused THEN tranter.tell_sleepers(id) END)sql");

// Jobs may be there that a limit has held back so far.
constexpr postgres::Statement limit_one(R"sql(
    UPDATE tranter.queues SET max_in_flight = $2::integer, max_in_flight_per_group = $3::integer,
        max_queued_per_group = $4::integer, fair = $5::boolean
    WHERE id = $1::integer RETURNING tranter.tell_sleepers(id))sql");

std::uint64_t count_at(const Rows& rows, std::size_t row, int column) {
    return static_cast<std::uint64_t>(rows.integer(row, column));
}

std::uint32_t limit_at(const Rows& rows, std::size_t row, int column) {
    return static_cast<std::uint32_t>(rows.integer(row, column));
}

QueueStats read_stats(const Rows& rows, std::size_t row) {
    QueueStats stats{
        .queue = std::string(rows.text(row, 0)),
        .paused = rows.boolean(row, 1),
        .limits =
            {.max_in_flight = limit_at(rows, row, 2),
             .max_in_flight_per_group = limit_at(rows, row, 3),
             .max_queued_per_group = limit_at(rows, row, 4),
             .fair = rows.boolean(row, 5)},
        .pending = count_at(rows, row, 6),
        .scheduled = count_at(rows, row, 7),
        .processing = count_at(rows, row, 8),
        .completed = count_at(rows, row, 9),
        .failed = count_at(rows, row, 10),
        .dead = count_at(rows, row, 11),
        .cancelled = count_at(rows, row, 12),
        .dead_letter_queue = std::string(rows.text(row, 14))};
    if (!rows.is_null(row, 13)) {
        stats.oldest_pending = Milliseconds(std::max<std::int64_t>(rows.integer(row, 13), 0));
    }
    if (stats.dead_letter_queue.empty() && !stats.queue.ends_with(jobs::dead_suffix)) {
        stats.dead_letter_queue = stats.queue + std::string(jobs::dead_suffix);
    }
    return stats;
}

/// Those of is_unused_dead_letter_queue(), in their places.
void add_unused_dead_letter_queues(std::vector<QueueStats>& all) {
    std::set<std::string> unused;
    for (const QueueStats& stats : all)
        unused.insert(stats.dead_letter_queue);
    unused.erase("");
    for (const QueueStats& stats : all)
        unused.erase(stats.queue);
    for (const std::string& name : unused)
        all.push_back({.queue = name});
    std::ranges::sort(all, {}, &QueueStats::queue);
}

std::unexpected<Error> no_such_queue(Connection& connection, std::string_view name) {
    const std::string shown = one_line(name.substr(0, jobs::queue_name_bytes_max));
    const Rows rows = connection.execute(some_names);
    std::vector<std::string_view> names;
    for (std::size_t row = 0; row < rows.size(); ++row)
        names.push_back(rows.text(row, 0));
    return fail(
        Errc::not_found, fmt::format("queue {} does not exist{}", shown, did_you_mean(shown, names))
    );
}

Parameter limit_parameter(std::uint32_t limit) {
    constexpr std::uint32_t most = std::numeric_limits<std::int32_t>::max();
    return fmt::format("{}", std::min(limit, most));
}

}  // namespace

Result<std::vector<QueueStats>> all_queues(Store& store) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    return store.pool.read([](Connection& connection) -> Result<std::vector<QueueStats>> {
        const Rows rows = connection.execute(all_stats());
        std::vector<QueueStats> all;
        all.reserve(rows.size());
        for (std::size_t row = 0; row < rows.size(); ++row)
            all.push_back(read_stats(rows, row));
        add_unused_dead_letter_queues(all);
        return all;
    });
}

Result<QueueStats> stats_of_queue(Store& store, std::string_view queue) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    if (!jobs::check_queue_name(queue)) {
        return fail(
            Errc::not_found,
            fmt::format(
                "queue {} does not exist", one_line(queue.substr(0, jobs::queue_name_bytes_max))
            )
        );
    }
    return store.pool.read([&](Connection& connection) -> Result<QueueStats> {
        const std::array<Parameter, 1> parameters{std::string(queue)};
        const Rows rows = connection.execute(stats_of_one(), parameters);
        if (!rows.empty()) return read_stats(rows, 0);
        if (!is_unused_dead_letter_queue(connection, queue)) {
            return no_such_queue(connection, queue);
        }
        return QueueStats{.queue = std::string(queue)};
    });
}

bool is_unused_dead_letter_queue(Connection& connection, std::string_view queue) {
    if (!queue.ends_with(jobs::dead_suffix)) return false;
    const std::string_view source = queue.substr(0, queue.size() - jobs::dead_suffix.size());
    if (source.ends_with(jobs::dead_suffix)) return false;
    const std::array<Parameter, 1> parameters{std::string(source)};
    return !connection.execute(without_dead_letters, parameters).empty();
}

Result<> set_paused(Store& store, std::string_view queue, bool paused) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    const auto known = find_or_make_queue(store, queue);
    if (!known) return std::unexpected(known.error());
    return store.pool.once([&](Connection& connection) -> Result<> {
        const std::array<Parameter, 2> parameters{
            std::to_string((*known)->id()), paused ? "t" : "f"};
        connection.execute(pause_one, parameters);
        return {};
    });
}

Result<> set_limits(Store& store, std::string_view queue, const QueueLimits& limits) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    const auto known = find_or_make_queue(store, queue);
    if (!known) return std::unexpected(known.error());
    return store.pool.once([&](Connection& connection) -> Result<> {
        const std::array<Parameter, 5> parameters{
            std::to_string((*known)->id()),
            limit_parameter(limits.max_in_flight),
            limit_parameter(limits.max_in_flight_per_group),
            limit_parameter(limits.max_queued_per_group),
            limits.fair ? "t" : "f"};
        connection.execute(limit_one, parameters);
        return {};
    });
}

}  // namespace tranter::postgres_jobs
