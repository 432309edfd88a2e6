#include "schedule/sqlite_rows.hpp"
#include "schedule/sqlite_store.hpp"

#include <algorithm>
#include <iterator>
#include <string>

// The run table of the store in SQLite.
namespace tranter::schedule {
namespace {

void bind_run_key(sqlite::Statement& row, const RunKey& key) {
    row.bind(1, key.schedule).bind(2, micros(key.slot)).bind(3, std::int64_t{key.manual ? 1 : 0});
}

/// Claimed, and held by nobody. Two questions, since an index answers only one range.
std::vector<SlotRun> free_runs(sqlite::Database& database, TimePoint now, std::size_t max) {
    const sqlite::StatementUse over = database.use(
        "SELECT * FROM schedule_runs WHERE state = 0 AND claimed_until <= ?1 "
        "ORDER BY claimed_until, slot LIMIT ?2"
    );
    over->bind(1, micros(now)).bind(2, static_cast<std::int64_t>(max));
    std::vector<SlotRun> runs = all_rows(*over, read_run);
    if (runs.size() == max) return runs;
    const sqlite::StatementUse set_back = database.use(
        "SELECT * FROM schedule_runs WHERE state = 0 AND claimed_until > ?1 "
        "ORDER BY claimed_until, slot LIMIT ?2"
    );
    set_back->bind(1, micros(now + hold_max)).bind(2, static_cast<std::int64_t>(max - runs.size()));
    std::ranges::move(all_rows(*set_back, read_run), std::back_inserter(runs));
    return runs;
}

/// Whether it was inserted or, with `again`, claimed once more.
bool record(
    sqlite::Database& database, const SlotRun& run, const ScheduleDefinition& definition, bool again
) {
    // Of the job, unless the run is skipped.
    SlotRun job{.state = run.state};
    add_job_of_run(job, definition);
    const std::string options =
        run.state == RunState::skipped ? std::string() : options_column(job.options);
    const sqlite::StatementUse row =
        again ? database.use(
                    "INSERT INTO schedule_runs VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, NULL, "
                    "?9, ?10, ?11, ?12, ?13) ON CONFLICT DO UPDATE SET state = ?4, "
                    "created_at = ?6, claimed_until = ?7, tries = 0, error = ?8, queue = ?9, "
                    "type = ?10, payload = ?11, job_group = ?12, options = ?13 "
                    "WHERE state IN (3, 4) RETURNING 1"
                )
              : database.use(
                    "INSERT INTO schedule_runs VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, NULL, "
                    "?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING RETURNING 1"
                );
    bind_run_key(*row, run.key);
    row->bind(4, static_cast<std::int64_t>(run.state)).bind(5, run.job_id);
    row->bind(6, micros(run.created_at)).bind(8, run.error);
    bind_time(*row, 7, run.claimed_until);
    row->bind(9, job.queue).bind(10, job.type).bind(11, job.payload);
    row->bind(12, job.options.group).bind(13, options);
    return row->step();
}

/// What a request was answered with.
std::optional<RunKey> find_request(
    sqlite::Database& database, const Firing& firing, TimePoint now
) {
    if (firing.request.empty()) return std::nullopt;
    const sqlite::StatementUse row =
        database.use("SELECT slot, manual FROM schedule_requests WHERE name = ?1 AND made_at > ?2");
    row->bind(1, firing.request).bind(2, micros(now - requests_known));
    if (!row->step()) return std::nullopt;
    return RunKey{firing.schedule, time_point(row->integer(0)), row->integer(1) != 0};
}

void note_request(
    sqlite::Database& database, const std::string& request, const RunKey& key, TimePoint now
) {
    const sqlite::StatementUse row =
        database.use("INSERT OR REPLACE INTO schedule_requests VALUES(?1, ?2, ?3, ?4)");
    row->bind(1, request).bind(2, micros(key.slot)).bind(3, std::int64_t{key.manual ? 1 : 0});
    row->bind(4, micros(now));
    row->run();
}

}  // namespace

Result<std::vector<Schedule>> SqliteStore::due(TimePoint now, std::size_t max) {
    return guarded([&]() -> Result<std::vector<Schedule>> {
        const sqlite::StatementUse row = database_.use(
            "SELECT * FROM recurring_jobs WHERE enabled = 1 AND due_at <= ?1 ORDER BY due_at "
            "LIMIT ?2"
        );
        row->bind(1, micros(now)).bind(2, static_cast<std::int64_t>(max));
        return all_rows(*row, read_schedule);
    });
}

Fired SqliteStore::fire_one(const Firing& firing, TimePoint now, TimePoint claimed_until) {
    const sqlite::StatementUse found =
        database_.use("SELECT * FROM recurring_jobs WHERE name = ?1");
    found->bind(1, firing.schedule);
    if (!found->step()) return {};
    const Schedule schedule = read_schedule(*found);
    if (auto known = find_request(database_, firing, now)) {
        return {.done = true, .repeated = std::move(known)};
    }
    if (firing.version && *firing.version != schedule.version) return {};
    Fired fired{.done = true};
    std::int64_t skipped = 0;
    for (const NewRun& wanted : firing.runs) {
        SlotRun run = run_to_record(schedule, wanted, now, claimed_until);
        if (!record(database_, run, schedule.definition, firing.again)) continue;
        if (!firing.keys_only) add_job_of_run(run, schedule.definition);
        if (run.state == RunState::skipped) ++skipped;
        fired.runs.push_back(std::move(run));
    }
    if (!firing.request.empty() && !fired.runs.empty()) {
        note_request(database_, firing.request, fired.runs.front().key, now);
    }
    const NextSlot next = firing.next.value_or(NextSlot{schedule.next_slot, schedule.next_due});
    const sqlite::StatementUse row = database_.use(
        "UPDATE recurring_jobs SET runs = runs + ?2, skipped = skipped + ?3, missed = missed + ?4, "
        "next_run_at = ?5, due_at = ?6, version = version + 1 WHERE name = ?1"
    );
    row->bind(1, firing.schedule);
    row->bind(2, static_cast<std::int64_t>(fired.runs.size()) - skipped).bind(3, skipped);
    row->bind(4, static_cast<std::int64_t>(firing.missed));
    bind_time(*row, 5, next.slot);
    bind_time(*row, 6, next.due);
    row->run();
    return fired;
}

Result<std::vector<Fired>> SqliteStore::fire(
    std::span<const Firing> firings, TimePoint now, TimePoint claimed_until
) {
    const auto work = [&]() -> Result<std::vector<Fired>> {
        sqlite::Transaction transaction(database_);
        std::vector<Fired> out;
        out.reserve(firings.size());
        for (const Firing& firing : firings)
            out.push_back(fire_one(firing, now, claimed_until));
        transaction.commit();
        return out;
    };
    // A scheduler enqueues what it fires; by hand it is for whoever is awake first.
    return claimed_until <= now ? announced(work) : guarded(work);
}

Result<std::vector<SlotRun>> SqliteStore::take_runs(
    TimePoint now, TimePoint claimed_until, std::size_t max
) {
    return guarded([&]() -> Result<std::vector<SlotRun>> {
        // Most of the time there are none, which takes no lock.
        if (free_runs(database_, now, 1).empty()) return std::vector<SlotRun>();
        sqlite::Transaction transaction(database_);
        std::vector<SlotRun> runs = free_runs(database_, now, max);
        for (SlotRun& run : runs) {
            const sqlite::StatementUse row = database_.use(
                "UPDATE schedule_runs SET claimed_until = ?4 WHERE schedule = ?1 AND slot = ?2 "
                "AND manual = ?3"
            );
            bind_run_key(*row, run.key);
            row->bind(4, micros(claimed_until));
            row->run();
            run.claimed_until = claimed_until;
        }
        transaction.commit();
        return runs;
    });
}

void SqliteStore::note_enqueued(const RunOutcome& outcome) {
    if (outcome.key.manual) return;
    const sqlite::StatementUse row = database_.use(
        "UPDATE recurring_jobs SET last_error = '', last_run_at = ?2, last_job = ?3 "
        "WHERE name = ?1 AND (last_run_at IS NULL OR last_run_at <= ?2)"
    );
    row->bind(1, outcome.key.schedule).bind(2, micros(outcome.key.slot)).bind(3, outcome.job_id);
    row->run();
}

void SqliteStore::note_error(const RunOutcome& outcome) {
    const sqlite::StatementUse row =
        database_.use("UPDATE recurring_jobs SET last_error = ?2 WHERE name = ?1");
    row->bind(1, outcome.key.schedule).bind(2, outcome.error);
    row->run();
}

void SqliteStore::settle_run(const RunOutcome& outcome, TimePoint now) {
    if (outcome.state == RunState::claimed) {
        const sqlite::StatementUse row = database_.use(
            "UPDATE schedule_runs SET tries = tries + (?4 <> ''), "
            "error = CASE ?4 WHEN '' THEN error ELSE ?4 END, claimed_until = ?5 "
            "WHERE schedule = ?1 AND slot = ?2 AND manual = ?3 AND state = 0 AND "
            "claimed_until = coalesce(?6, claimed_until) RETURNING 1"
        );
        bind_run_key(*row, outcome.key);
        row->bind(4, outcome.error).bind(5, micros(outcome.retry_at.value_or(now)));
        bind_time(*row, 6, outcome.held_until);
        if (row->step() && !outcome.error.empty()) note_error(outcome);
        return;
    }
    const bool enqueued = outcome.state == RunState::enqueued;
    const sqlite::StatementUse row = database_.use(
        "UPDATE schedule_runs SET state = ?4, error = ?5, enqueued_at = ?6, "
        "job_id = CASE ?7 WHEN '' THEN job_id ELSE ?7 END, claimed_until = NULL, queue = '', "
        "type = '', payload = '', job_group = '', options = '' "
        "WHERE schedule = ?1 AND slot = ?2 AND manual = ?3 AND state = 0 RETURNING 1"
    );
    bind_run_key(*row, outcome.key);
    row->bind(4, static_cast<std::int64_t>(outcome.state)).bind(5, outcome.error);
    bind_time(*row, 6, enqueued ? std::optional(now) : std::nullopt);
    row->bind(7, outcome.job_id);
    if (!row->step()) return;
    if (enqueued) {
        note_enqueued(outcome);
    } else {
        note_error(outcome);
    }
}

Result<> SqliteStore::settle_runs(std::span<const RunOutcome> outcomes, TimePoint now) {
    return guarded([&]() -> Result<> {
        sqlite::Transaction transaction(database_);
        for (const RunOutcome& outcome : outcomes)
            settle_run(outcome, now);
        transaction.commit();
        return {};
    });
}

Result<std::vector<SlotRun>> SqliteStore::buffered(std::string_view after, std::size_t max) {
    return guarded([&]() -> Result<std::vector<SlotRun>> {
        const sqlite::StatementUse row = database_.use(
            "SELECT * FROM schedule_runs AS run WHERE state = 1 AND schedule > ?2 AND NOT "
            "EXISTS(SELECT 1 FROM schedule_runs AS older WHERE older.state = 1 AND "
            "older.schedule = run.schedule AND older.slot < run.slot) ORDER BY schedule LIMIT ?1"
        );
        row->bind(1, static_cast<std::int64_t>(max)).bind(2, after);
        return all_rows(*row, read_run);
    });
}

Result<bool> SqliteStore::release(
    const RunKey& key, std::optional<TimePoint> claimed_until, std::string_view reason
) {
    return guarded([&]() -> Result<bool> {
        sqlite::Transaction transaction(database_);
        const sqlite::StatementUse row =
            claimed_until
                ? database_.use(
                      "UPDATE schedule_runs SET state = 0, claimed_until = ?4, error = ?5 WHERE "
                      "schedule = ?1 AND slot = ?2 AND manual = ?3 AND state = 1 RETURNING 1"
                  )
                : database_.use(
                      "UPDATE schedule_runs SET state = 3, claimed_until = ?4, error = ?5, "
                      "queue = '', type = '', payload = '', job_group = '', options = '' WHERE "
                      "schedule = ?1 AND slot = ?2 AND manual = ?3 AND state = 1 RETURNING 1"
                  );
        bind_run_key(*row, key);
        bind_time(*row, 4, claimed_until);
        row->bind(5, reason);
        const bool released = row->step();
        row->reset();
        if (released && !claimed_until) {
            const sqlite::StatementUse count = database_.use(
                "UPDATE recurring_jobs SET runs = runs - 1, skipped = skipped + 1 WHERE name = ?1"
            );
            count->bind(1, key.schedule);
            count->run();
        }
        transaction.commit();
        return released;
    });
}

Result<std::vector<SlotRun>> SqliteStore::runs_of(
    std::string_view schedule, std::size_t max, bool open_only
) {
    return guarded([&]() -> Result<std::vector<SlotRun>> {
        const sqlite::StatementUse row =
            open_only
                ? database_.use(
                      "SELECT schedule, slot, manual, state, job_id, created_at, claimed_until, "
                      "tries, error, enqueued_at FROM schedule_runs WHERE schedule = ?1 AND "
                      "state < 2 ORDER BY slot DESC, manual DESC LIMIT ?2"
                  )
                : database_.use(
                      "SELECT schedule, slot, manual, state, job_id, created_at, claimed_until, "
                      "tries, error, enqueued_at FROM schedule_runs WHERE schedule = ?1 "
                      "ORDER BY slot DESC, manual DESC LIMIT ?2"
                  );
        row->bind(1, schedule).bind(2, static_cast<std::int64_t>(max));
        return all_rows(*row, read_run_without_job);
    });
}

Result<OpenRuns> SqliteStore::open_runs(std::string_view schedule) {
    return guarded([&]() -> Result<OpenRuns> {
        const sqlite::StatementUse row = database_.use(
            "SELECT count(*) FILTER(WHERE state = 0 AND manual = 0), "
            "count(*) FILTER(WHERE state = 1 AND manual = 0), count(*) FILTER(WHERE manual = 1) "
            "FROM schedule_runs INDEXED BY schedule_runs_open WHERE schedule = ?1 AND state < 2"
        );
        row->bind(1, schedule);
        if (!row->step()) return OpenRuns();
        return OpenRuns{
            .claimed = static_cast<std::size_t>(row->integer(0)),
            .buffered = static_cast<std::size_t>(row->integer(1)),
            .manual = static_cast<std::size_t>(row->integer(2))};
    });
}

}  // namespace tranter::schedule
