#include "postgres/columns.hpp"
#include "schedule/postgres_rows.hpp"
#include "schedule/postgres_store.hpp"
#include "schedule/postgres_waves.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>

// What makes and takes runs in the store in PostgreSQL. Each kind of row of a batch is one
// statement, so that a thousand schedules that are due at once are a few round trips.
namespace tranter::schedule {
namespace {

using postgres::Connection;
using postgres::Rows;

using SchedulesByName = std::map<std::string, Schedule, std::less<>>;

SchedulesByName lock_schedules(Connection& connection, std::span<const Firing> firings) {
    postgres::Columns<1> names;
    for (const Firing& firing : firings)
        names.add({text_parameter(firing.schedule)});
    SchedulesByName out;
    for (Schedule& schedule : read_schedules(connection.query(
             "SELECT * FROM tranter.recurring_jobs WHERE name = ANY($1::text[]) ORDER BY name "
             "FOR UPDATE",
             names.parameters()
         ))) {
        std::string name = schedule.definition.name;
        out.emplace(std::move(name), std::move(schedule));
    }
    return out;
}

/// Which of them were inserted or, with `again`, claimed once more.
std::set<RunKey> record_runs(Connection& connection, std::span<const SlotRun> runs, bool again) {
    postgres::Columns<7> columns;
    for (const SlotRun& run : runs) {
        columns.add(
            {text_parameter(run.key.schedule),
             time_parameter(run.key.slot),
             flag_parameter(run.key.manual),
             number_parameter(run.state),
             text_parameter(run.job_id),
             time_parameter(run.claimed_until),
             message_parameter(run.error)}
        );
    }
    if (columns.empty()) return {};
    const auto arrays = columns.parameters();
    std::vector<postgres::Parameter> parameters(arrays.begin(), arrays.end());
    parameters.push_back(time_parameter(runs.front().created_at));
    // What to enqueue is copied inside the database: a payload may be large, and its runs many.
    std::string sql =
        "INSERT INTO tranter.schedule_runs AS run(schedule, slot, manual, state, job_id, "
        "created_at, claimed_until, tries, error, queue, type, payload, job_group, options) "
        "SELECT made.schedule, made.slot, made.manual, made.state, made.job_id, $8::timestamptz, "
        "made.claimed_until, 0, made.error, "
        "CASE made.state WHEN 3 THEN '' ELSE job.queue END, "
        "CASE made.state WHEN 3 THEN '' ELSE job.type END, "
        "CASE made.state WHEN 3 THEN '' ELSE job.payload END, "
        "CASE made.state WHEN 3 THEN '' ELSE job.job_group END, "
        "CASE made.state WHEN 3 THEN '' ELSE job.options END "
        "FROM unnest($1::text[], $2::timestamptz[], $3::boolean[], $4::smallint[], $5::text[], "
        "$6::timestamptz[], $7::text[]) AS made(schedule, slot, manual, state, job_id, "
        "claimed_until, error) JOIN tranter.recurring_jobs AS job ON job.name = made.schedule ";
    sql += again ? "ON CONFLICT(schedule, slot, manual) DO UPDATE SET state = excluded.state, "
                   "created_at = excluded.created_at, claimed_until = excluded.claimed_until, "
                   "tries = 0, error = excluded.error, queue = excluded.queue, "
                   "type = excluded.type, payload = excluded.payload, "
                   "job_group = excluded.job_group, options = excluded.options "
                   "WHERE run.state IN (3, 4) "
                 : "ON CONFLICT DO NOTHING ";
    sql += "RETURNING schedule, slot, manual";
    const Rows made = connection.query(sql.c_str(), parameters);
    std::set<RunKey> out;
    for (std::size_t row = 0; row < made.size(); ++row)
        out.insert(read_run_key(made, row));
    return out;
}

/// What a request was answered with. The schedule is locked.
std::optional<RunKey> asked_before(Connection& connection, const Firing& firing, TimePoint now) {
    if (firing.request.empty()) return std::nullopt;
    const std::array parameters{
        text_parameter(firing.request), time_parameter(now - requests_known)};
    const Rows found = connection.query(
        "SELECT slot, manual FROM tranter.schedule_requests WHERE name = $1 AND made_at > $2",
        parameters
    );
    if (found.empty()) return std::nullopt;
    return RunKey{firing.schedule, read_time(found, 0, 0), found.boolean(0, 1)};
}

void remember_request(
    Connection& connection, const std::string& request, const RunKey& key, TimePoint now
) {
    const std::array parameters{
        text_parameter(request),
        time_parameter(key.slot),
        flag_parameter(key.manual),
        time_parameter(now)};
    connection.query(
        "INSERT INTO tranter.schedule_requests(name, slot, manual, made_at) VALUES($1, $2, $3, $4) "
        "ON CONFLICT(name) DO UPDATE SET slot = excluded.slot, manual = excluded.manual, "
        "made_at = excluded.made_at",
        parameters
    );
}

void move_on(
    Connection& connection,
    std::span<const Firing> firings,
    std::span<const Fired> fired,
    const SchedulesByName& schedules
) {
    postgres::Columns<6> columns;
    for (std::size_t i = 0; i < firings.size(); ++i) {
        if (!fired[i].done || fired[i].repeated) continue;
        const Schedule& schedule = schedules.find(firings[i].schedule)->second;
        const auto skipped = std::ranges::count(fired[i].runs, RunState::skipped, &SlotRun::state);
        const auto runs = static_cast<std::ptrdiff_t>(fired[i].runs.size()) - skipped;
        const NextSlot next =
            firings[i].next.value_or(NextSlot{schedule.next_slot, schedule.next_due});
        columns.add(
            {text_parameter(firings[i].schedule),
             number_parameter(runs),
             number_parameter(skipped),
             number_parameter(firings[i].missed),
             time_parameter(next.slot),
             time_parameter(next.due)}
        );
    }
    if (columns.empty()) return;
    connection.query(
        "UPDATE tranter.recurring_jobs AS job SET runs = job.runs + moved.runs, "
        "skipped = job.skipped + moved.skipped, missed = job.missed + moved.missed, "
        "next_run_at = moved.slot, due_at = moved.due, version = job.version + 1 "
        "FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], "
        "$6::timestamptz[]) AS moved(name, runs, skipped, missed, slot, due) "
        "WHERE job.name = moved.name",
        columns.parameters()
    );
}

/// `firings` of different schedules.
std::vector<Fired> fire_wave(
    Connection& connection, std::span<const Firing> firings, TimePoint now, TimePoint claimed_until
) {
    const SchedulesByName schedules = lock_schedules(connection, firings);
    std::vector<Fired> out(firings.size());
    std::vector<SlotRun> first_time;
    std::vector<SlotRun> once_more;
    for (std::size_t i = 0; i < firings.size(); ++i) {
        const Firing& firing = firings[i];
        const auto schedule = schedules.find(firing.schedule);
        if (schedule == schedules.end()) continue;
        out[i].repeated = asked_before(connection, firing, now);
        out[i].done = out[i].repeated.has_value();
        if (out[i].done) continue;
        if (firing.version && *firing.version != schedule->second.version) continue;
        out[i].done = true;
        std::set<RunKey> wanted;
        for (const NewRun& one : firing.runs) {
            SlotRun run = run_to_record(schedule->second, one, now, claimed_until);
            if (!wanted.insert(run.key).second) continue;
            (firing.again ? once_more : first_time).push_back(run);
            out[i].runs.push_back(std::move(run));
        }
    }
    std::set<RunKey> recorded = record_runs(connection, first_time, false);
    recorded.merge(record_runs(connection, once_more, true));
    for (std::size_t i = 0; i < out.size(); ++i) {
        std::vector<SlotRun>& runs = out[i].runs;
        std::erase_if(runs, [&](const SlotRun& run) { return !recorded.contains(run.key); });
        if (runs.empty()) continue;
        const std::string& request = firings[i].request;
        if (!request.empty()) remember_request(connection, request, runs.front().key, now);
        if (firings[i].keys_only) continue;
        const Schedule& schedule = schedules.find(firings[i].schedule)->second;
        for (SlotRun& run : runs)
            add_job_of_run(run, schedule.definition);
    }
    move_on(connection, firings, out, schedules);
    return out;
}

/// Claimed, and held by nobody.
std::vector<SlotRun> lock_free_runs(Connection& connection, TimePoint now, std::size_t max) {
    const std::array parameters{
        time_parameter(now), time_parameter(now + hold_max), number_parameter(max)};
    return read_runs(connection.query(
        "SELECT * FROM tranter.schedule_runs WHERE state = 0 AND (claimed_until <= $1 OR "
        "claimed_until > $2) ORDER BY claimed_until, slot LIMIT $3 FOR UPDATE SKIP LOCKED",
        parameters
    ));
}

}  // namespace

Result<std::vector<Schedule>> PostgresStore::due(TimePoint now, std::size_t max) {
    return session_.read([&](Connection& connection) -> Result<std::vector<Schedule>> {
        const std::array parameters{time_parameter(now), number_parameter(max)};
        return read_schedules(connection.query(
            "SELECT * FROM tranter.recurring_jobs WHERE enabled AND due_at <= $1 ORDER BY due_at "
            "LIMIT $2",
            parameters
        ));
    });
}

Result<std::vector<Fired>> PostgresStore::fire(
    std::span<const Firing> firings, TimePoint now, TimePoint claimed_until
) {
    return session_.write([&](Connection& connection) -> Result<std::vector<Fired>> {
        std::vector<Fired> out;
        for (const auto wave : waves_of(firings, &Firing::schedule)) {
            auto fired = fire_wave(connection, wave, now, claimed_until);
            std::ranges::move(fired, std::back_inserter(out));
        }
        // Who decided on a version goes on by himself; what is asked for by hand is for others.
        const bool by_hand =
            std::ranges::any_of(firings, [](const Firing& firing) { return !firing.version; });
        if (by_hand) notify_sleepers(connection);
        return out;
    });
}

Result<std::vector<SlotRun>> PostgresStore::take_runs(
    TimePoint now, TimePoint claimed_until, std::size_t max
) {
    // Most of the time there are none, which takes no lock.
    const auto some = session_.read([&](Connection& connection) -> Result<bool> {
        return any_is_free(
            connection,
            "SELECT EXISTS(SELECT 1 FROM tranter.schedule_runs WHERE state = 0 AND "
            "claimed_until <= $1) OR EXISTS(SELECT 1 FROM tranter.schedule_runs WHERE state = 0 "
            "AND claimed_until > $2)",
            now
        );
    });
    if (!some) return std::unexpected(some.error());
    if (!*some) return std::vector<SlotRun>();
    return session_.write([&](Connection& connection) -> Result<std::vector<SlotRun>> {
        auto runs = lock_free_runs(connection, now, max);
        postgres::Columns<3> keys;
        for (SlotRun& run : runs) {
            keys.add(
                {text_parameter(run.key.schedule),
                 time_parameter(run.key.slot),
                 flag_parameter(run.key.manual)}
            );
            run.claimed_until = claimed_until;
        }
        const auto [schedules, slots, manual] = keys.parameters();
        const std::array parameters{schedules, slots, manual, time_parameter(claimed_until)};
        connection.query(
            "UPDATE tranter.schedule_runs AS run SET claimed_until = $4 FROM unnest($1::text[], "
            "$2::timestamptz[], $3::boolean[]) AS mine(schedule, slot, manual) WHERE "
            "run.schedule = mine.schedule AND run.slot = mine.slot AND run.manual = mine.manual",
            parameters
        );
        return runs;
    });
}

Result<std::vector<SlotRun>> PostgresStore::buffered(std::string_view after, std::size_t max) {
    return session_.read([&](Connection& connection) -> Result<std::vector<SlotRun>> {
        const std::array parameters{number_parameter(max), text_parameter(after)};
        return read_runs(connection.query(
            "SELECT DISTINCT ON (schedule) * FROM tranter.schedule_runs WHERE state = 1 AND "
            "schedule > $2 ORDER BY schedule, slot, manual LIMIT $1",
            parameters
        ));
    });
}

Result<std::vector<SlotRun>> PostgresStore::runs_of(
    std::string_view schedule, std::size_t max, bool open_only
) {
    return session_.read([&](Connection& connection) -> Result<std::vector<SlotRun>> {
        const std::array parameters{text_parameter(schedule), number_parameter(max)};
        return read_runs_without_jobs(connection.query(
            open_only
                ? "SELECT schedule, slot, manual, state, job_id, created_at, claimed_until, tries, "
                  "error, enqueued_at FROM tranter.schedule_runs WHERE schedule = $1 AND state < 2 "
                  "ORDER BY slot DESC, manual DESC LIMIT $2"
                : "SELECT schedule, slot, manual, state, job_id, created_at, claimed_until, tries, "
                  "error, enqueued_at FROM tranter.schedule_runs WHERE schedule = $1 "
                  "ORDER BY slot DESC, manual DESC LIMIT $2",
            parameters
        ));
    });
}

Result<OpenRuns> PostgresStore::open_runs(std::string_view schedule) {
    return session_.read([&](Connection& connection) -> Result<OpenRuns> {
        const std::array parameters{text_parameter(schedule)};
        const Rows found = connection.query(
            "SELECT count(*) FILTER(WHERE state = 0 AND NOT manual), "
            "count(*) FILTER(WHERE state = 1 AND NOT manual), count(*) FILTER(WHERE manual) "
            "FROM tranter.schedule_runs WHERE schedule = $1 AND state < 2",
            parameters
        );
        return OpenRuns{
            .claimed = static_cast<std::size_t>(found.integer(0, 0)),
            .buffered = static_cast<std::size_t>(found.integer(0, 1)),
            .manual = static_cast<std::size_t>(found.integer(0, 2))};
    });
}

}  // namespace tranter::schedule
