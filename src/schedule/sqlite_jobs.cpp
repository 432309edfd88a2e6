#include "schedule/sqlite_rows.hpp"
#include "schedule/sqlite_store.hpp"

#include <algorithm>
#include <iterator>
#include <string>

// Jobs for later in the store in SQLite.
namespace tranter::schedule {
namespace {

/// Due, and held by nobody. Two questions, since an index answers only one range.
std::vector<ScheduledJob> ready_jobs(sqlite::Database& database, TimePoint now, std::size_t max) {
    const sqlite::StatementUse due = database.use(
        "SELECT * FROM scheduled_jobs WHERE status = 0 AND ready_at <= ?1 ORDER BY ready_at LIMIT "
        "?2"
    );
    due->bind(1, micros(now)).bind(2, static_cast<std::int64_t>(max));
    std::vector<ScheduledJob> jobs = all_rows(*due, read_job);
    if (jobs.size() == max) return jobs;
    const sqlite::StatementUse set_back = database.use(
        "SELECT * FROM scheduled_jobs WHERE held = 1 AND ready_at > ?1 ORDER BY ready_at LIMIT ?2"
    );
    set_back->bind(1, micros(now + hold_max)).bind(2, static_cast<std::int64_t>(max - jobs.size()));
    std::ranges::move(all_rows(*set_back, read_job), std::back_inserter(jobs));
    return jobs;
}

/// False for an id that is known.
bool add_job(sqlite::Database& database, const ScheduledJob& job) {
    const std::string options = options_column(job.options);
    const sqlite::StatementUse row = database.use(
        "INSERT INTO scheduled_jobs VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?7, 0, 0, '', ?8, NULL) "
        "ON CONFLICT DO NOTHING RETURNING 1"
    );
    row->bind(1, job.id).bind(2, job.queue).bind(3, job.type).bind(4, job.payload);
    row->bind(5, job.options.group).bind(6, options);
    row->bind(7, micros(job.due)).bind(8, micros(job.created_at));
    return row->step();
}

void settle_job(sqlite::Database& database, const JobOutcome& outcome, TimePoint now) {
    if (outcome.state == ScheduledState::waiting) {
        const sqlite::StatementUse row = database.use(
            "UPDATE scheduled_jobs SET tries = tries + (?2 <> ''), "
            "error = CASE ?2 WHEN '' THEN error ELSE ?2 END, ready_at = ?3, held = 0 "
            "WHERE id = ?1 AND status = 0 AND (?4 IS NULL OR (held = 1 AND ready_at = ?4))"
        );
        row->bind(1, outcome.id).bind(2, outcome.error);
        row->bind(3, micros(outcome.retry_at.value_or(now)));
        bind_time(*row, 4, outcome.held_until);
        row->run();
        return;
    }
    const sqlite::StatementUse row = database.use(
        "UPDATE scheduled_jobs SET status = ?2, error = ?3, ended_at = ?4, held = 0 "
        "WHERE id = ?1 AND status = 0 AND (?5 IS NULL OR (held = 1 AND ready_at = ?5))"
    );
    row->bind(1, outcome.id).bind(2, static_cast<std::int64_t>(outcome.state));
    row->bind(3, outcome.error).bind(4, micros(now));
    bind_time(*row, 5, outcome.held_until);
    row->run();
}

/// Of a job that waits and is held by nobody at `now` nothing, else what is in the way.
Result<> check_free(sqlite::Database& database, std::string_view id, TimePoint now) {
    const sqlite::StatementUse found =
        database.use("SELECT status, held, ready_at FROM scheduled_jobs WHERE id = ?1");
    found->bind(1, id);
    if (!found->step()) return no_job(id);
    if (found->integer(0) != 0) return job_has_ended(id);
    if (found->integer(1) != 0 && found->integer(2) > micros(now)) return job_is_held(id);
    return {};
}

}  // namespace

Result<> SqliteStore::add_jobs(std::span<const ScheduledJob> jobs) {
    return announced([&]() -> Result<> {
        sqlite::Transaction transaction(database_);
        for (const ScheduledJob& job : jobs) {
            if (add_job(database_, job)) continue;
            return job_exists(job.id);
        }
        transaction.commit();
        return {};
    });
}

Result<ScheduledJob> SqliteStore::find_job(std::string_view id) {
    return guarded([&]() -> Result<ScheduledJob> {
        const sqlite::StatementUse row =
            database_.use("SELECT * FROM scheduled_jobs WHERE id = ?1");
        row->bind(1, id);
        if (!row->step()) return no_job(id);
        return read_job(*row);
    });
}

Result<std::vector<std::optional<KnownJob>>> SqliteStore::known_jobs(
    std::span<const std::string> ids
) {
    return guarded([&]() -> Result<std::vector<std::optional<KnownJob>>> {
        std::vector<std::optional<KnownJob>> known;
        known.reserve(ids.size());
        const sqlite::Transaction moment(database_, sqlite::Transaction::Kind::read);
        for (const std::string& id : ids) {
            const sqlite::StatementUse row =
                database_.use("SELECT status, held FROM scheduled_jobs WHERE id = ?1");
            row->bind(1, id);
            auto& one = known.emplace_back();
            if (!row->step()) continue;
            one = {
                .state = static_cast<ScheduledState>(row->integer(0)),
                .held = row->integer(1) != 0};
        }
        return known;
    });
}

Result<std::vector<ScheduledJob>> SqliteStore::list_jobs(
    const std::optional<JobPlace>& after, std::size_t max
) {
    return guarded([&]() -> Result<std::vector<ScheduledJob>> {
        const sqlite::StatementUse row = database_.use(
            "SELECT * FROM scheduled_jobs WHERE status = 0 AND (scheduled_for, id) > (?1, ?2) "
            "ORDER BY scheduled_for, id LIMIT ?3"
        );
        row->bind(1, after ? micros(after->due) : INT64_MIN);
        row->bind(2, after ? std::string_view(after->id) : std::string_view());
        row->bind(3, static_cast<std::int64_t>(max));
        return all_rows(*row, read_job);
    });
}

Result<> SqliteStore::cancel_job(std::string_view id, TimePoint now) {
    return guarded([&]() -> Result<> {
        sqlite::Transaction transaction(database_);
        if (auto free = check_free(database_, id, now); !free) return free;
        settle_job(database_, {std::string(id), ScheduledState::cancelled, {}, {}}, now);
        transaction.commit();
        return {};
    });
}

Result<> SqliteStore::reschedule_job(std::string_view id, TimePoint due, TimePoint now) {
    return announced([&]() -> Result<> {
        sqlite::Transaction transaction(database_);
        if (auto free = check_free(database_, id, now); !free) return free;
        const sqlite::StatementUse row = database_.use(
            "UPDATE scheduled_jobs SET scheduled_for = ?2, ready_at = ?2, held = 0, tries = 0, "
            "error = '' WHERE id = ?1"
        );
        row->bind(1, id).bind(2, micros(due));
        row->run();
        transaction.commit();
        return {};
    });
}

Result<std::vector<ScheduledJob>> SqliteStore::take_jobs(
    TimePoint now, TimePoint claimed_until, std::size_t max
) {
    return guarded([&]() -> Result<std::vector<ScheduledJob>> {
        // Most of the time there are none, which takes no lock.
        if (ready_jobs(database_, now, 1).empty()) return std::vector<ScheduledJob>();
        sqlite::Transaction transaction(database_);
        std::vector<ScheduledJob> jobs = ready_jobs(database_, now, max);
        for (const ScheduledJob& job : jobs) {
            const sqlite::StatementUse row =
                database_.use("UPDATE scheduled_jobs SET ready_at = ?2, held = 1 WHERE id = ?1");
            row->bind(1, job.id).bind(2, micros(claimed_until));
            row->run();
        }
        transaction.commit();
        return jobs;
    });
}

Result<> SqliteStore::settle_jobs(std::span<const JobOutcome> outcomes, TimePoint now) {
    return guarded([&]() -> Result<> {
        sqlite::Transaction transaction(database_);
        for (const JobOutcome& outcome : outcomes)
            settle_job(database_, outcome, now);
        transaction.commit();
        return {};
    });
}

Result<std::size_t> SqliteStore::trim(TimePoint before, std::size_t max) {
    return guarded([&]() -> Result<std::size_t> {
        std::size_t gone = 0;
        const sqlite::StatementUse runs = database_.use(
            "DELETE FROM schedule_runs WHERE rowid IN (SELECT rowid FROM schedule_runs WHERE "
            "state >= 2 AND created_at < ?1 AND slot < ?1 LIMIT ?2) RETURNING 1"
        );
        runs->bind(1, micros(before)).bind(2, static_cast<std::int64_t>(max));
        while (runs->step())
            ++gone;
        runs->reset();
        const sqlite::StatementUse jobs = database_.use(
            "DELETE FROM scheduled_jobs WHERE rowid IN (SELECT rowid FROM scheduled_jobs WHERE "
            "status > 0 AND ended_at < ?1 LIMIT ?2) RETURNING 1"
        );
        jobs->bind(1, micros(before)).bind(2, static_cast<std::int64_t>(max - gone));
        while (jobs->step())
            ++gone;
        jobs->reset();
        const sqlite::StatementUse requests = database_.use(
            "DELETE FROM schedule_requests WHERE rowid IN (SELECT rowid FROM schedule_requests "
            "WHERE made_at < ?1 LIMIT ?2) RETURNING 1"
        );
        requests->bind(1, micros(before)).bind(2, static_cast<std::int64_t>(max - gone));
        while (requests->step())
            ++gone;
        return gone;
    });
}

}  // namespace tranter::schedule
