#include "postgres_jobs/schema.hpp"

#include "postgres_jobs/functions.hpp"

#include <array>

namespace tranter::postgres_jobs {
namespace {

// jobs: one row for each job that is not finished, and for each dead letter. Rows are written anew
// at each change of state, so they are kept narrow: texts of more than some hundred bytes go to the
// TOAST table once and stay there.
//   state        0 pending, 1 scheduled (also one that waits for its next attempt), 2 processing
//   rank         place in line, ascending: microseconds since 1970 of the moment from which it
//                could begin, plus a minute for each level of priority; jobs of one call are told
//                apart by a microsecond each
//   delivery     drawn anew with each hand-out; with the id it is the receipt, so whoever lost the
//                job cannot settle it any more
//   due_at       from when it may begin (scheduled), or might have begun (pending)
//   expires_at   from when it need not begin any more
//   unique_since of debounce and keep_latest: since when its key waits, when that is before
//                created_at
//   options      as jobs/job_json.hpp writes them, without the trace's defaults; NULL: none
//   failed       the last attempt did
//   waited       somebody waits for its end and wants a notification
//   home_id      of a dead letter: the queue where it died; queue_id is then that of the
//                dead-letter queue, state that of a message there, reason and finished_at are set
//
// Each partial index has the rows of one state only: a change of state leaves one index and enters
// another. Jobs without a group, which most are, stand in a single one. Who wants those with a
// group by age says `job_group > ''`, who wants them by group says `<> ''`, and gets the index for
// it.
//
//   failures     as JSON, an array of AttemptFailure, the last ten; steps: of Step. NULL: none
//   progress     of dead letters and finished jobs as it was at the end
//
// job_logs: lines of one call each; number: of the lines before them, dropped ones counted. Whoever
// reads them keeps the limits of history::LogLines, whoever writes drops rows that are beyond them.
//
// queues: grouped once it had a job with a group, keeps_latest once it had one of keep_latest; both
// cost a hand-out something. A job of keep_latest is pending while another one with its key is
// processing, and is passed over.
//
// queue_hints: what changes all the time about a queue, away from what every call reads.
//   wanted, epoch, sure   somebody sleeps and wants to be notified; see wakeup_functions.cpp
//   turn            the group that was served last
//
// queue_tallies: what ended, in rows that are to be added up; see settle_functions.cpp.
//
// finished_jobs: state as JobState counts: 3 completed, 5 dead (of queues without a dead-letter
// queue), 6 cancelled. One partition for each period. A period ends by size or age (maintenance),
// then its partition gets the indexes for searches, and the oldest partitions go as a whole.
constexpr postgres::Migration tables_1 = R"sql(
CREATE TABLE tranter.queues(
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE,
    paused boolean NOT NULL DEFAULT false, grouped boolean NOT NULL DEFAULT false,
    max_in_flight integer NOT NULL DEFAULT 0, max_in_flight_per_group integer NOT NULL DEFAULT 0,
    max_queued_per_group integer NOT NULL DEFAULT 0, fair boolean NOT NULL DEFAULT true,
    keeps_latest boolean NOT NULL DEFAULT false,
    dead_letter_id integer, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE tranter.queue_hints(
    queue_id integer PRIMARY KEY, wanted boolean NOT NULL DEFAULT false,
    sure boolean NOT NULL DEFAULT false, epoch bigint NOT NULL DEFAULT 0, turn text COLLATE "C" NOT NULL DEFAULT ''
) WITH (fillfactor = 20);
CREATE TABLE tranter.queue_tallies(
    queue_id integer NOT NULL, completed bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0, dead bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE TABLE tranter.jobs(
    id uuid PRIMARY KEY, queue_id integer NOT NULL, state smallint NOT NULL, rank bigint NOT NULL,
    delivery integer NOT NULL DEFAULT 0, attempt integer NOT NULL DEFAULT 0,
    priority smallint NOT NULL DEFAULT 5, created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL, lease_until timestamptz, started_at timestamptz,
    expires_at timestamptz, finished_at timestamptz, unique_since timestamptz, home_id integer,
    dedup_mode smallint, failed boolean NOT NULL DEFAULT false,
    cancel_requested boolean NOT NULL DEFAULT false, waited boolean NOT NULL DEFAULT false,
    job_group text COLLATE "C" NOT NULL DEFAULT '', type text COLLATE "C" NOT NULL,
    dedup_key text COLLATE "C", worker text, reason text, progress text, options text,
    payload text NOT NULL, failures text, steps text
) WITH (
    fillfactor = 70, toast_tuple_target = 512, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX jobs_pending ON tranter.jobs(queue_id, rank) WHERE state = 0 AND job_group = '';
CREATE INDEX jobs_pending_grouped ON tranter.jobs(queue_id, job_group, rank)
    WHERE state = 0 AND job_group <> '';
CREATE INDEX jobs_pending_by_age ON tranter.jobs(queue_id, rank)
    WHERE state = 0 AND job_group > '';
CREATE INDEX jobs_scheduled_grouped ON tranter.jobs(queue_id, job_group)
    WHERE state = 1 AND job_group <> '';
CREATE INDEX jobs_scheduled ON tranter.jobs(queue_id, due_at) WHERE state = 1;
CREATE INDEX jobs_processing ON tranter.jobs(queue_id, lease_until) WHERE state = 2;
CREATE INDEX jobs_expiring ON tranter.jobs(queue_id, expires_at)
    WHERE expires_at IS NOT NULL AND state <> 2;
CREATE INDEX jobs_keys ON tranter.jobs(queue_id, dedup_key) WHERE dedup_key IS NOT NULL;
CREATE INDEX jobs_dead ON tranter.jobs(home_id, finished_at) WHERE home_id IS NOT NULL;
CREATE TABLE tranter.throttles(
    queue_id integer NOT NULL, dedup_key text COLLATE "C" NOT NULL, job_id uuid NOT NULL,
    until timestamptz NOT NULL, PRIMARY KEY(queue_id, dedup_key));
CREATE INDEX throttles_until ON tranter.throttles(until);
CREATE TABLE tranter.job_logs(
    job_id uuid NOT NULL, number bigint NOT NULL, bytes integer NOT NULL, lines text[] NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY(job_id, number));
CREATE INDEX job_logs_made ON tranter.job_logs USING brin(made_at);
CREATE TABLE tranter.periods(
    period integer PRIMARY KEY, begun_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz,
    indexed_at timestamptz);
CREATE TABLE tranter.finished_jobs(
    period integer NOT NULL, id uuid NOT NULL, queue_id integer NOT NULL, state smallint NOT NULL,
    attempt integer NOT NULL, priority smallint NOT NULL, created_at timestamptz NOT NULL,
    due_at timestamptz, started_at timestamptz, finished_at timestamptz NOT NULL,
    job_group text COLLATE "C" NOT NULL, type text COLLATE "C" NOT NULL,
    dedup_key text COLLATE "C", dedup_mode smallint, worker text, reason text, progress text,
    options text, payload text NOT NULL, result text, failures text
) PARTITION BY LIST(period);
CREATE INDEX finished_jobs_id ON tranter.finished_jobs(id);
CREATE INDEX finished_jobs_newest ON tranter.finished_jobs(finished_at, id);
CREATE TABLE tranter.finished_jobs_1 PARTITION OF tranter.finished_jobs FOR VALUES IN (1);
CREATE TABLE tranter.finished_jobs_2 PARTITION OF tranter.finished_jobs FOR VALUES IN (2);
INSERT INTO tranter.periods(period) VALUES(1);
CREATE TABLE tranter.job_workers(
    name text COLLATE "C" PRIMARY KEY, queues text[] NOT NULL, concurrency bigint NOT NULL,
    version text NOT NULL, first_seen timestamptz NOT NULL, last_seen timestamptz NOT NULL,
    silent_from timestamptz NOT NULL) WITH (fillfactor = 50);
CREATE TABLE tranter.job_settings(
    name text COLLATE "C" PRIMARY KEY, value text NOT NULL);
)sql";

constexpr postgres::Migration tables_1_reversed = R"sql(
DROP TABLE tranter.job_settings, tranter.job_workers, tranter.finished_jobs, tranter.periods,
    tranter.job_logs, tranter.throttles, tranter.jobs, tranter.queue_tallies, tranter.queue_hints,
    tranter.queues;
)sql";

}  // namespace

std::span<const postgres::Migration> migrations() {
    static const std::array<postgres::Migration, 2> steps = {tables_1, functions_1()};
    return steps;
}

std::span<const postgres::Migration> reversals() {
    static const std::array<postgres::Migration, 2> steps = {
        tables_1_reversed, functions_1_reversed()};
    return steps;
}

}  // namespace tranter::postgres_jobs
