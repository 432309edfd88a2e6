#include "schedule/postgres_settle.hpp"

#include "postgres/columns.hpp"
#include "schedule/postgres_rows.hpp"
#include "schedule/postgres_store.hpp"
#include "schedule/postgres_waves.hpp"

#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>

// What becomes of runs in the store in PostgreSQL.
namespace tranter::schedule {
namespace {

using postgres::Connection;
using postgres::Rows;

/// What a schedule says of its last job.
struct LastJob {
    std::optional<TimePoint> slot{};
    std::string id{};
    std::string error{};
    bool changed = false;
};
using LastJobs = std::map<std::string, LastJob, std::less<>>;

LastJobs lock_last_jobs(Connection& connection, std::span<const RunOutcome> outcomes) {
    postgres::Columns<1> names;
    for (const RunOutcome& outcome : outcomes)
        names.add({text_parameter(outcome.key.schedule)});
    const Rows found = connection.query(
        "SELECT name, last_run_at, last_job, last_error FROM tranter.recurring_jobs "
        "WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE",
        names.parameters()
    );
    LastJobs out;
    for (std::size_t row = 0; row < found.size(); ++row) {
        out.emplace(
            found.text(row, 0),
            LastJob{
                .slot = find_time(found, row, 1),
                .id = std::string(found.text(row, 2)),
                .error = std::string(found.text(row, 3))}
        );
    }
    return out;
}

/// Which of them were claimed. `outcomes` of different runs.
std::set<RunKey> end_claims(
    Connection& connection, std::span<const RunOutcome> outcomes, TimePoint now
) {
    postgres::Columns<9> columns;
    for (const RunOutcome& outcome : outcomes) {
        const bool again = outcome.state == RunState::claimed;
        const bool enqueued = outcome.state == RunState::enqueued;
        columns.add(
            {text_parameter(outcome.key.schedule),
             time_parameter(outcome.key.slot),
             flag_parameter(outcome.key.manual),
             number_parameter(outcome.state),
             message_parameter(outcome.error),
             time_parameter(again ? std::optional(outcome.retry_at.value_or(now)) : std::nullopt),
             time_parameter(enqueued ? std::optional(now) : std::nullopt),
             text_parameter(again ? std::string_view() : outcome.job_id),
             time_parameter(again ? outcome.held_until : std::nullopt)}
        );
    }
    const Rows ended = connection.query(
        "UPDATE tranter.schedule_runs AS run SET state = told.state, "
        "tries = run.tries + CASE WHEN told.state = 0 AND told.error <> '' THEN 1 ELSE 0 END, "
        "error = CASE WHEN told.state = 0 AND told.error = '' THEN run.error ELSE told.error END, "
        "claimed_until = told.claimed_until, enqueued_at = told.enqueued_at, "
        "job_id = CASE told.job_id WHEN '' THEN run.job_id ELSE told.job_id END, "
        "queue = CASE told.state WHEN 0 THEN run.queue ELSE '' END, "
        "type = CASE told.state WHEN 0 THEN run.type ELSE '' END, "
        "payload = CASE told.state WHEN 0 THEN run.payload ELSE '' END, "
        "job_group = CASE told.state WHEN 0 THEN run.job_group ELSE '' END, "
        "options = CASE told.state WHEN 0 THEN run.options ELSE '' END "
        "FROM unnest($1::text[], $2::timestamptz[], $3::boolean[], $4::smallint[], $5::text[], "
        "$6::timestamptz[], $7::timestamptz[], $8::text[], $9::timestamptz[]) AS told(schedule, "
        "slot, manual, state, error, claimed_until, enqueued_at, job_id, held_until) "
        "WHERE (told.held_until IS NULL OR run.claimed_until = told.held_until) AND "
        "run.schedule = told.schedule AND "
        "run.slot = told.slot AND run.manual = told.manual AND run.state = 0 "
        "RETURNING run.schedule, run.slot, run.manual",
        columns.parameters()
    );
    std::set<RunKey> out;
    for (std::size_t row = 0; row < ended.size(); ++row)
        out.insert(read_run_key(ended, row));
    return out;
}

void note(LastJob& last, const RunOutcome& outcome) {
    if (outcome.state == RunState::claimed && outcome.error.empty()) return;
    if (outcome.state != RunState::enqueued) {
        last.error = outcome.error;
        last.changed = true;
        return;
    }
    if (outcome.key.manual || (last.slot && *last.slot > outcome.key.slot)) return;
    last = {.slot = outcome.key.slot, .id = outcome.job_id, .changed = true};
}

void write_last_jobs(Connection& connection, const LastJobs& all) {
    postgres::Columns<4> columns;
    for (const auto& [name, last] : all) {
        if (!last.changed) continue;
        columns.add(
            {text_parameter(name),
             time_parameter(last.slot),
             text_parameter(last.id),
             message_parameter(last.error)}
        );
    }
    if (columns.empty()) return;
    connection.query(
        "UPDATE tranter.recurring_jobs AS job SET last_run_at = last.slot, last_job = last.id, "
        "last_error = last.error FROM unnest($1::text[], $2::timestamptz[], $3::text[], "
        "$4::text[]) AS last(name, slot, id, error) WHERE job.name = last.name",
        columns.parameters()
    );
}

}  // namespace

void settle_runs_in(Connection& connection, std::span<const RunOutcome> outcomes, TimePoint now) {
    LastJobs last_jobs = lock_last_jobs(connection, outcomes);
    for (const auto wave : waves_of(outcomes, &RunOutcome::key)) {
        const std::set<RunKey> ended = end_claims(connection, wave, now);
        for (const RunOutcome& outcome : wave) {
            const auto last = last_jobs.find(outcome.key.schedule);
            if (last == last_jobs.end() || !ended.contains(outcome.key)) continue;
            note(last->second, outcome);
        }
    }
    write_last_jobs(connection, last_jobs);
}

Result<> PostgresStore::settle_runs(std::span<const RunOutcome> outcomes, TimePoint now) {
    if (outcomes.empty()) return {};
    return session_.write([&](Connection& connection) -> Result<> {
        settle_runs_in(connection, outcomes, now);
        return {};
    });
}

Result<bool> PostgresStore::release(
    const RunKey& key, std::optional<TimePoint> claimed_until, std::string_view reason
) {
    return session_.write([&](Connection& connection) -> Result<bool> {
        const std::array name{text_parameter(key.schedule)};
        connection.query("SELECT 1 FROM tranter.recurring_jobs WHERE name = $1 FOR UPDATE", name);
        const std::array parameters{
            text_parameter(key.schedule),
            time_parameter(key.slot),
            flag_parameter(key.manual),
            time_parameter(claimed_until),
            message_parameter(reason)};
        const Rows released = connection.query(
            claimed_until
                ? "UPDATE tranter.schedule_runs SET state = 0, claimed_until = $4, error = $5 "
                  "WHERE schedule = $1 AND slot = $2 AND manual = $3 AND state = 1 RETURNING 1"
                : "UPDATE tranter.schedule_runs SET state = 3, claimed_until = $4, error = $5, "
                  "queue = '', type = '', payload = '', job_group = '', options = '' "
                  "WHERE schedule = $1 AND slot = $2 AND manual = $3 AND state = 1 RETURNING 1",
            parameters
        );
        if (released.empty()) return false;
        if (!claimed_until) {
            connection.query(
                "UPDATE tranter.recurring_jobs SET runs = runs - 1, skipped = skipped + 1 "
                "WHERE name = $1",
                name
            );
        }
        return true;
    });
}

}  // namespace tranter::schedule
