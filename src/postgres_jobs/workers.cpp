#include "base/log.hpp"
#include "base/log_text.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/job_rows.hpp"
#include "postgres_jobs/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

using postgres::Connection;
using postgres::Parameter;
using postgres::Rows;

// Nobody waits for the sync: a worker that goes on is seen again soon. Ages instead of times,
// because this machine's clock may be another one.
constexpr postgres::Statement write_without_sync(
    "SELECT set_config('synchronous_commit', 'off', true)"
);
constexpr postgres::Statement write_one(R"sql(
    INSERT INTO tranter.job_workers AS known(
        name, queues, concurrency, version, first_seen, last_seen, silent_from)
    SELECT $1, $2::text[], $3::bigint, $4, seen, seen,
        moment + $6::bigint * interval '1 microsecond'
    FROM clock_timestamp() moment, LATERAL (
        SELECT moment - $5::bigint * interval '1 microsecond' AS seen) one
    ON CONFLICT (name) DO UPDATE SET
        queues = CASE WHEN known.queues @> excluded.queues THEN known.queues ELSE ARRAY(
            SELECT DISTINCT queue FROM unnest(excluded.queues || known.queues) queue
            ORDER BY queue LIMIT 64) END,
        concurrency = CASE WHEN excluded.concurrency > 0 THEN excluded.concurrency
            ELSE known.concurrency END,
        version = CASE WHEN excluded.version <> '' THEN excluded.version ELSE known.version END,
        last_seen = greatest(known.last_seen, excluded.last_seen),
        silent_from = greatest(known.silent_from, excluded.silent_from))sql");

constexpr postgres::Statement recent_workers(R"sql(
    SELECT w.name, array_to_string(w.queues, E'\n'), coalesce(r.jobs, 0), w.concurrency, w.version,
        tranter.micros(w.first_seen), tranter.micros(w.last_seen)
    FROM tranter.job_workers w LEFT JOIN (
        SELECT worker, count(*) AS jobs FROM tranter.jobs
        WHERE state = 2 AND lease_until > clock_timestamp() GROUP BY worker
    ) r ON r.worker = w.name
    WHERE w.silent_from > clock_timestamp() - interval '10 minutes'
    ORDER BY w.name LIMIT 10000)sql");

Parameter micros_parameter(Sighting::Clock::duration span) {
    return fmt::format("{}", std::chrono::duration_cast<std::chrono::microseconds>(span).count());
}

postgres::Call call_for(const Sighting& sighting, Sighting::Clock::time_point now) {
    std::vector<Parameter> queues(sighting.queues.begin(), sighting.queues.end());
    return {
        .statement = &write_one,
        .parameters = {
            sighting.name,
            postgres::array_of(queues),
            fmt::format("{}", sighting.concurrency),
            sighting.version,
            micros_parameter(now - sighting.seen),
            micros_parameter(sighting.silent_from - now)}};
}

Result<> write_down(Store& store, const std::vector<Sighting>& sightings) {
    if (sightings.empty()) return {};
    const auto now = Sighting::Clock::now();
    std::vector<postgres::Call> calls{{.statement = &write_without_sync}};
    for (const Sighting& sighting : sightings)
        calls.push_back(call_for(sighting, now));
    auto written = store.pool.once([&calls](Connection& connection) -> Result<> {
        connection.execute_all(calls);
        return {};
    });
    if (!written) store.sightings.put_back(sightings);
    return written;
}

void write_due(Store& store) {
    const auto written = write_down(store, store.sightings.take_due());
    if (!written) {
        log_debug("jobs", "workers not written down", {{"error", written.error().message()}});
    }
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        lines.emplace_back(line);
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return lines;
}

WorkerInfo read_worker(const Rows& rows, std::size_t row) {
    return {
        .name = std::string(rows.text(row, 0)),
        .queues = lines_of(rows.text(row, 1)),
        .running = static_cast<std::uint64_t>(rows.integer(row, 2)),
        .concurrency = static_cast<std::uint32_t>(rows.integer(row, 3)),
        .version = std::string(rows.text(row, 4)),
        .first_seen = read_micros(rows, row, 5),
        .last_seen = read_micros(rows, row, 6)};
}

}  // namespace

void tell_that_worker_asks(Store& store, const ReceiveRequest& request) {
    // What the database cannot keep would keep others from being written.
    const bool fits = find_invalid_utf8(request.worker) == std::string_view::npos &&
                      find_invalid_utf8(request.worker_version) == std::string_view::npos &&
                      request.worker.find('\0') == std::string::npos &&
                      request.worker_version.find('\0') == std::string::npos;
    if (fits) store.sightings.asks(request);
    write_due(store);
}

void tell_of_workers(Store& store, std::span<const std::string> names) {
    for (const std::string& name : names)
        store.sightings.heard(name);
    write_due(store);
}

Result<std::vector<WorkerInfo>> all_workers(Store& store) {
    if (auto open = store.check_open(); !open) return std::unexpected(open.error());
    if (auto written = write_down(store, store.sightings.take_all()); !written) {
        return std::unexpected(written.error());
    }
    return store.pool.read([](Connection& connection) -> Result<std::vector<WorkerInfo>> {
        const Rows rows = connection.execute(recent_workers);
        std::vector<WorkerInfo> workers;
        workers.reserve(rows.size());
        for (std::size_t row = 0; row < rows.size(); ++row)
            workers.push_back(read_worker(rows, row));
        return workers;
    });
}

}  // namespace tranter::postgres_jobs
