#include "postgres/columns.hpp"
#include "schedule/postgres_rows.hpp"
#include "schedule/postgres_settle.hpp"
#include "schedule/postgres_store.hpp"
#include "schedule/postgres_waves.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>

// Jobs for later in the store in PostgreSQL.
namespace tranter::schedule {
namespace {

using postgres::Connection;
using postgres::Rows;

/// The ids of those that were not known. `jobs` with different ids.
std::set<std::string, std::less<>> insert_jobs(
    Connection& connection, std::span<const ScheduledJob> jobs
) {
    postgres::Columns<8> columns;
    for (const ScheduledJob& job : jobs) {
        columns.add(
            {text_parameter(job.id),
             text_parameter(job.queue),
             text_parameter(job.type),
             text_parameter(job.payload),
             text_parameter(job.options.group),
             options_column(job.options),
             time_parameter(job.due),
             time_parameter(job.created_at)}
        );
    }
    const Rows made = connection.query(
        "INSERT INTO tranter.scheduled_jobs(id, queue, type, payload, job_group, options, "
        "scheduled_for, ready_at, created_at, status, held, tries, error) "
        "SELECT id, queue, type, payload, job_group, options, due, due, created_at, 0, false, 0, "
        "'' "
        "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], "
        "$7::timestamptz[], $8::timestamptz[]) "
        "AS made(id, queue, type, payload, job_group, options, due, created_at) "
        "ON CONFLICT DO NOTHING RETURNING id",
        columns.parameters()
    );
    std::set<std::string, std::less<>> out;
    for (std::size_t row = 0; row < made.size(); ++row)
        out.emplace(made.text(row, 0));
    return out;
}

/// Due, and held by nobody. Two questions, since an index answers only one range.
std::vector<ScheduledJob> lock_free_jobs(Connection& connection, TimePoint now, std::size_t max) {
    const std::array due{time_parameter(now), number_parameter(max)};
    auto jobs = read_jobs(connection.query(
        "SELECT * FROM tranter.scheduled_jobs WHERE status = 0 AND ready_at <= $1 "
        "ORDER BY ready_at LIMIT $2 FOR UPDATE SKIP LOCKED",
        due
    ));
    if (jobs.size() == max) return jobs;
    const std::array set_back{time_parameter(now + hold_max), number_parameter(max - jobs.size())};
    std::ranges::move(
        read_jobs(connection.query(
            "SELECT * FROM tranter.scheduled_jobs WHERE held AND ready_at > $1 "
            "ORDER BY ready_at LIMIT $2 FOR UPDATE SKIP LOCKED",
            set_back
        )),
        std::back_inserter(jobs)
    );
    return jobs;
}

/// Of a job that waits and is held by nobody at `now` nothing, else what is in the way. Its row is
/// locked.
Result<> lock_free_job(Connection& connection, std::string_view id, TimePoint now) {
    const std::array parameters{text_parameter(id)};
    const Rows found = connection.query(
        "SELECT status, held, ready_at FROM tranter.scheduled_jobs WHERE id = $1 FOR UPDATE",
        parameters
    );
    if (found.empty()) return no_job(id);
    if (found.integer(0, 0) != 0) return job_has_ended(id);
    if (found.boolean(0, 1) && read_time(found, 0, 2) > now) return job_is_held(id);
    return {};
}

/// Deletes at most `max` rows of a table that fulfil `which` with $1.
std::size_t delete_some(
    Connection& connection,
    std::string_view table,
    std::string_view which,
    TimePoint before,
    std::size_t max
) {
    std::string sql = "WITH gone AS (DELETE FROM ";
    sql.append(table).append(" WHERE ctid = ANY(ARRAY(SELECT ctid FROM ").append(table);
    sql.append(" WHERE ").append(which);
    sql += " LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1) SELECT count(*) FROM gone";
    const std::array parameters{time_parameter(before), number_parameter(max)};
    return static_cast<std::size_t>(connection.query(sql.c_str(), parameters).integer(0, 0));
}

}  // namespace

void settle_jobs_in(Connection& connection, std::span<const JobOutcome> outcomes, TimePoint now) {
    postgres::Columns<6> columns;
    for (const JobOutcome& outcome : outcomes) {
        const bool waits = outcome.state == ScheduledState::waiting;
        const std::optional<TimePoint> ready = outcome.retry_at.value_or(now);
        columns.add(
            {text_parameter(outcome.id),
             number_parameter(outcome.state),
             message_parameter(outcome.error),
             time_parameter(waits ? ready : std::nullopt),
             time_parameter(waits ? std::nullopt : std::optional(now)),
             time_parameter(outcome.held_until)}
        );
    }
    connection.query(
        "UPDATE tranter.scheduled_jobs AS job SET status = told.status, "
        "tries = job.tries + CASE WHEN told.status = 0 AND told.error <> '' THEN 1 ELSE 0 END, "
        "error = CASE WHEN told.status = 0 AND told.error = '' THEN job.error ELSE told.error END, "
        "held = false, ready_at = coalesce(told.ready_at, job.ready_at), "
        "ended_at = told.ended_at "
        "FROM unnest($1::text[], $2::smallint[], $3::text[], $4::timestamptz[], "
        "$5::timestamptz[], $6::timestamptz[]) "
        "AS told(id, status, error, ready_at, ended_at, held_until) "
        "WHERE job.id = told.id AND job.status = 0 AND "
        "(told.held_until IS NULL OR (job.held AND job.ready_at = told.held_until))",
        columns.parameters()
    );
}

Result<> PostgresStore::add_jobs(std::span<const ScheduledJob> jobs) {
    if (jobs.empty()) return {};
    return session_.write([&](Connection& connection) -> Result<> {
        for (const auto wave : waves_of(jobs, &ScheduledJob::id)) {
            const auto made = insert_jobs(connection, wave);
            for (const ScheduledJob& job : wave) {
                if (!made.contains(job.id)) return job_exists(job.id);
            }
        }
        notify_sleepers(connection);
        return {};
    });
}

Result<ScheduledJob> PostgresStore::find_job(std::string_view id) {
    return session_.read([&](Connection& connection) -> Result<ScheduledJob> {
        const std::array parameters{text_parameter(id)};
        const Rows found =
            connection.query("SELECT * FROM tranter.scheduled_jobs WHERE id = $1", parameters);
        if (found.empty()) return no_job(id);
        return read_job(found, 0);
    });
}

Result<std::vector<std::optional<KnownJob>>> PostgresStore::known_jobs(
    std::span<const std::string> ids
) {
    if (ids.empty()) return std::vector<std::optional<KnownJob>>();
    return session_.read(
        [&](Connection& connection) -> Result<std::vector<std::optional<KnownJob>>> {
            postgres::Columns<1> wanted;
            for (const std::string& id : ids)
                wanted.add({text_parameter(id)});
            const Rows found = connection.query(
                "SELECT id, status, held FROM tranter.scheduled_jobs WHERE id = ANY($1::text[])",
                wanted.parameters()
            );
            std::map<std::string_view, KnownJob> by_id;
            for (std::size_t row = 0; row < found.size(); ++row) {
                const KnownJob job{
                    .state = static_cast<ScheduledState>(found.integer(row, 1)),
                    .held = found.boolean(row, 2)};
                by_id.emplace(found.text(row, 0), job);
            }
            std::vector<std::optional<KnownJob>> known(ids.size());
            for (std::size_t i = 0; i < ids.size(); ++i) {
                if (const auto job = by_id.find(ids[i]); job != by_id.end()) known[i] = job->second;
            }
            return known;
        }
    );
}

Result<std::vector<ScheduledJob>> PostgresStore::list_jobs(
    const std::optional<JobPlace>& after, std::size_t max
) {
    return session_.read([&](Connection& connection) -> Result<std::vector<ScheduledJob>> {
        const std::array parameters{
            after ? time_parameter(after->due) : postgres::Parameter("-infinity"),
            text_parameter(after ? std::string_view(after->id) : std::string_view()),
            number_parameter(max)};
        return read_jobs(connection.query(
            "SELECT * FROM tranter.scheduled_jobs WHERE status = 0 AND "
            "(scheduled_for, id) > ($1::timestamptz, $2) ORDER BY scheduled_for, id LIMIT $3",
            parameters
        ));
    });
}

Result<> PostgresStore::cancel_job(std::string_view id, TimePoint now) {
    return session_.write([&](Connection& connection) -> Result<> {
        if (auto free = lock_free_job(connection, id, now); !free) return free;
        const JobOutcome outcome{.id = std::string(id), .state = ScheduledState::cancelled};
        settle_jobs_in(connection, std::span(&outcome, 1), now);
        return {};
    });
}

Result<> PostgresStore::reschedule_job(std::string_view id, TimePoint due, TimePoint now) {
    return session_.write([&](Connection& connection) -> Result<> {
        if (auto free = lock_free_job(connection, id, now); !free) return free;
        const std::array parameters{text_parameter(id), time_parameter(due)};
        connection.query(
            "UPDATE tranter.scheduled_jobs SET scheduled_for = $2, ready_at = $2, held = false, "
            "tries = 0, error = '' WHERE id = $1",
            parameters
        );
        notify_sleepers(connection);
        return {};
    });
}

Result<std::vector<ScheduledJob>> PostgresStore::take_jobs(
    TimePoint now, TimePoint claimed_until, std::size_t max
) {
    // Most of the time there are none, which takes no lock.
    const auto some = session_.read([&](Connection& connection) -> Result<bool> {
        return any_is_free(
            connection,
            "SELECT EXISTS(SELECT 1 FROM tranter.scheduled_jobs WHERE status = 0 AND ready_at <= "
            "$1) OR EXISTS(SELECT 1 FROM tranter.scheduled_jobs WHERE held AND ready_at > $2)",
            now
        );
    });
    if (!some) return std::unexpected(some.error());
    if (!*some) return std::vector<ScheduledJob>();
    return session_.write([&](Connection& connection) -> Result<std::vector<ScheduledJob>> {
        auto jobs = lock_free_jobs(connection, now, max);
        postgres::Columns<1> ids;
        for (const ScheduledJob& job : jobs)
            ids.add({text_parameter(job.id)});
        const std::array parameters{ids.parameters()[0], time_parameter(claimed_until)};
        connection.query(
            "UPDATE tranter.scheduled_jobs SET ready_at = $2, held = true WHERE id = "
            "ANY($1::text[])",
            parameters
        );
        return jobs;
    });
}

Result<> PostgresStore::settle_jobs(std::span<const JobOutcome> outcomes, TimePoint now) {
    if (outcomes.empty()) return {};
    return session_.write([&](Connection& connection) -> Result<> {
        for (const auto wave : waves_of(outcomes, &JobOutcome::id))
            settle_jobs_in(connection, wave, now);
        return {};
    });
}

Result<std::size_t> PostgresStore::trim(TimePoint before, std::size_t max) {
    return session_.write([&](Connection& connection) -> Result<std::size_t> {
        const std::size_t runs = delete_some(
            connection,
            "tranter.schedule_runs",
            // One that was left out before its time has to be remembered until then.
            "state >= 2 AND created_at < $1 AND slot < $1",
            before,
            max
        );
        const std::size_t jobs = delete_some(
            connection, "tranter.scheduled_jobs", "status > 0 AND ended_at < $1", before, max - runs
        );
        const std::size_t requests = delete_some(
            connection, "tranter.schedule_requests", "made_at < $1", before, max - runs - jobs
        );
        return runs + jobs + requests;
    });
}

}  // namespace tranter::schedule
