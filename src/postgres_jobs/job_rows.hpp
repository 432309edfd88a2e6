#pragma once

#include "postgres/connection.hpp"

#include <tranter/job.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Rows of jobs as records.
namespace tranter::postgres_jobs {

/// What stands between SELECT and WHERE to read jobs that are not finished, and dead letters: `j`
/// of tranter.jobs.
inline constexpr std::string_view live_columns = R"sql(
    j.id, CASE WHEN j.home_id IS NOT NULL AND j.state <> 2 THEN h.name ELSE q.name END, j.type,
    j.payload,
    CASE WHEN j.state = 2 THEN 2 WHEN j.home_id IS NOT NULL THEN 5
        WHEN j.state = 0 OR j.due_at <= statement_timestamp() THEN 0
        WHEN j.failed THEN 4 ELSE 1 END,
    j.attempt, j.options, j.job_group, tranter.micros(j.created_at),
    CASE WHEN j.state = 1 AND j.home_id IS NULL AND j.due_at > statement_timestamp()
        THEN tranter.micros(j.due_at) END,
    tranter.micros(j.started_at), CASE WHEN j.state = 2 THEN tranter.micros(j.lease_until) END,
    CASE WHEN j.home_id IS NOT NULL AND j.state <> 2 THEN tranter.micros(j.finished_at) END,
    j.cancel_requested, NULL, j.failures, j.progress, j.worker, j.reason)sql";
inline constexpr std::string_view live_tables = R"sql(
    JOIN tranter.queues q ON q.id = j.queue_id LEFT JOIN tranter.queues h ON h.id = j.home_id)sql";

/// The same of `j`, of tranter.finished_jobs.
inline constexpr std::string_view ended_columns = R"sql(
    j.id, (SELECT q.name FROM tranter.queues q WHERE q.id = j.queue_id), j.type, j.payload,
    j.state, j.attempt, j.options, j.job_group,
    tranter.micros(j.created_at), NULL, tranter.micros(j.started_at), NULL,
    tranter.micros(j.finished_at), false, j.result, j.failures, j.progress, j.worker, j.reason)sql";

/// Both from column 0 on. Options and failures that were not written by us are left out.
JobRecord read_record(const postgres::Rows& rows, std::size_t row);
TimePoint read_micros(const postgres::Rows& rows, std::size_t row, int column);

}  // namespace tranter::postgres_jobs
