#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {
namespace {

// Most settlements. One statement takes the jobs out of the hot table and puts them into history.
// Answers with those that were not held: whether the job is there at all.
constexpr std::string_view completed = R"sql(
CREATE FUNCTION tranter.complete(
    of_queue integer, ids uuid[], deliveries integer[], results text[])
RETURNS TABLE(place bigint, is_known boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz := clock_timestamp();
    ended uuid[];
    awaited uuid[];
    frees_others boolean;
    is_observed boolean;
BEGIN
    WITH gone AS (
        DELETE FROM tranter.jobs j USING unnest(ids, deliveries, results) d(id, delivery, result)
        WHERE j.id = ANY(ARRAY[d.id]) AND j.delivery = d.delivery AND j.state + 0 = 2
            AND j.queue_id = of_queue AND j.lease_until > moment
        RETURNING j.*, d.result
    ), kept AS (
        INSERT INTO tranter.finished_jobs(
            period, id, queue_id, state, attempt, priority, created_at, due_at, started_at,
            finished_at, job_group, type, dedup_key, dedup_mode, worker, progress, options, payload,
            result, failures)
        SELECT (SELECT max(period) FROM tranter.periods), id, queue_id, 3, attempt, priority,
            created_at, due_at, started_at, moment, job_group, type, dedup_key, dedup_mode, worker,
            progress, options, payload, result, failures
        FROM gone
    ), counted AS (
        INSERT INTO tranter.queue_tallies(queue_id, completed)
        SELECT of_queue, count(*) FROM gone HAVING count(*) > 0
    )
    SELECT array_agg(id), array_agg(id) FILTER (WHERE waited) INTO ended, awaited FROM gone;
    IF ended IS NOT NULL THEN
        SELECT q.keeps_latest OR q.max_in_flight > 0 OR q.max_in_flight_per_group > 0,
                s.value::timestamptz > moment
            INTO frees_others, is_observed
            FROM tranter.queues q LEFT JOIN tranter.job_settings s ON s.name = 'observed_until'
            WHERE q.id = of_queue;
        IF awaited IS NOT NULL THEN
            PERFORM tranter.tell_ends(awaited);
        END IF;
        IF is_observed THEN
            PERFORM tranter.tell_events(ended);
        END IF;
        IF frees_others THEN
            PERFORM tranter.tell_sleepers(of_queue);
        END IF;
        IF cardinality(ended) = cardinality(ids) THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY
        SELECT d.place, tranter.is_known(d.id)
        FROM unnest(ids, deliveries) WITH ORDINALITY d(id, delivery, place)
        WHERE d.id <> ALL(coalesce(ended, '{}'));
END
$$;

-- What ended is noted with a row of its own: nobody waits for somebody else's transaction, which
-- may be one of a handler's that takes its time, and whoever notes something passes over nothing
-- that an old snapshot keeps. Programs of ours sum up now and then, in a transaction of its own.
CREATE FUNCTION tranter.count_ends(
    of_queue integer, completed integer, failed integer, dead integer, cancelled integer)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF completed > 0 OR failed > 0 OR dead > 0 OR cancelled > 0 THEN
        INSERT INTO tranter.queue_tallies VALUES(of_queue, completed, failed, dead, cancelled);
    END IF;
END
$$;

CREATE FUNCTION tranter.sum_tallies() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    IF NOT pg_try_advisory_xact_lock(1416800000) THEN
        RETURN;
    END IF;
    WITH gone AS (
        DELETE FROM tranter.queue_tallies WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM tranter.queue_tallies LIMIT 10000 FOR UPDATE SKIP LOCKED))
        RETURNING *
    )
    INSERT INTO tranter.queue_tallies
    SELECT queue_id, sum(completed), sum(failed), sum(dead), sum(cancelled)
    FROM gone GROUP BY queue_id;
END
$$;

CREATE FUNCTION tranter.tell_ends(ids uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    id uuid;
BEGIN
    IF ids IS NOT NULL THEN
        FOREACH id IN ARRAY ids LOOP
            PERFORM pg_notify('tranter_done', id::text);
        END LOOP;
    END IF;
END
$$;
)sql";

// The other ends, of jobs that the caller has locked and looked at:
//   released   the attempt does not count; at once (in its old place) or after a rest
//   failed     another attempt follows, at once or after a rest
//   dead       goes to the dead-letter queue, which is made for it; in a dead-letter queue it is
//              finished
//   cancelled  is finished
constexpr std::string_view others = R"sql(
CREATE FUNCTION tranter.lock_attempts(of_queue integer, ids uuid[], deliveries integer[])
RETURNS TABLE(
    place bigint, is_held boolean, attempt integer, cancel_requested boolean, options text,
    failures text, moment double precision)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    locked_at timestamptz;
BEGIN
    PERFORM FROM tranter.jobs j JOIN unnest(ids) d(id) ON j.id = ANY(ARRAY[d.id])
        ORDER BY d.id FOR UPDATE OF j;
    locked_at := clock_timestamp();
    RETURN QUERY
        SELECT d.place, coalesce(
            j.delivery = d.delivery AND j.state = 2 AND j.queue_id = of_queue
                AND j.lease_until > locked_at, false),
            j.attempt, j.cancel_requested, j.options, j.failures, date_part('epoch', locked_at)
        FROM unnest(ids, deliveries) WITH ORDINALITY d(id, delivery, place)
            LEFT JOIN tranter.jobs j ON j.id = ANY(ARRAY[d.id])
        WHERE j.id IS NOT NULL OR tranter.is_known(d.id);
END
$$;

CREATE FUNCTION tranter.end_attempts(
    of_queue integer, ids uuid[], kinds text[], rests_ms bigint[], all_failures text[],
    reasons text[], attempts_failed integer)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz := clock_timestamp();
    queue tranter.queues;
    put_back integer;
    buried integer := 0;
    finished integer := 0;
    ends_dead boolean;
    awaited uuid[];
BEGIN
    SELECT * INTO queue FROM tranter.queues WHERE id = of_queue;
    ends_dead := right(queue.name, 4) = '-dlq';
    UPDATE tranter.jobs j SET
        state = CASE WHEN d.rest > 0 THEN 1 ELSE 0 END, failed = d.kind = 'failed',
        attempt = j.attempt - CASE d.kind WHEN 'released' THEN 1 ELSE 0 END,
        rank = CASE WHEN d.kind = 'released' AND coalesce(d.rest, 0) = 0 THEN j.rank
            ELSE (date_part('epoch', moment) * 1000000)::bigint + coalesce(d.rest, 0) * 1000
                + j.priority * 60000000::bigint END,
        due_at = CASE WHEN d.kind = 'released' AND coalesce(d.rest, 0) = 0 THEN j.due_at
            ELSE moment + coalesce(d.rest, 0) * interval '1 ms' END,
        expires_at = CASE d.kind WHEN 'released' THEN j.expires_at END,
        lease_until = NULL, failures = coalesce(d.failures, j.failures)
    FROM unnest(ids, kinds, rests_ms, all_failures) d(id, kind, rest, failures)
    WHERE j.id = ANY(ARRAY[d.id]) AND d.kind IN ('released', 'failed');
    GET DIAGNOSTICS put_back = ROW_COUNT;
    IF 'dead' = ANY(kinds) AND NOT ends_dead THEN
        buried := tranter.bury(queue, ids, kinds, all_failures, reasons, moment);
    END IF;
    WITH gone AS (
        DELETE FROM tranter.jobs j
        USING unnest(ids, kinds, all_failures, reasons) d(id, kind, failures, reason)
        WHERE j.id = ANY(ARRAY[d.id]) AND (d.kind = 'cancelled' OR d.kind = 'dead' AND ends_dead)
        RETURNING j.*, d.kind, d.failures AS last_failures, d.reason AS last_reason
    ), kept AS (
        INSERT INTO tranter.finished_jobs(
            period, id, queue_id, state, attempt, priority, created_at, due_at, started_at,
            finished_at, job_group, type, dedup_key, dedup_mode, worker, reason, progress, options,
            payload, failures)
        SELECT (SELECT max(period) FROM tranter.periods), id, queue_id,
            CASE kind WHEN 'dead' THEN 5 ELSE 6 END, attempt, priority, created_at, due_at,
            started_at, moment, job_group, type, dedup_key, dedup_mode, worker, last_reason,
            progress, options, payload, coalesce(last_failures, failures)
        FROM gone
    )
    SELECT count(*), array_agg(id) FILTER (WHERE waited) INTO finished, awaited FROM gone;
    PERFORM tranter.tell_ends(awaited);
    PERFORM tranter.tell_events(ids);
    IF ends_dead THEN
        buried := cardinality(array_positions(kinds, 'dead'));
        finished := finished - buried;
    END IF;
    PERFORM tranter.count_ends(of_queue, 0, attempts_failed, buried, finished);
    IF put_back > 0 OR queue.keeps_latest OR queue.max_in_flight > 0
        OR queue.max_in_flight_per_group > 0 THEN
        PERFORM tranter.tell_sleepers(of_queue);
    END IF;
END
$$;

CREATE FUNCTION tranter.bury(
    queue tranter.queues, ids uuid[], kinds text[], all_failures text[], reasons text[],
    moment timestamptz)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    grave integer := queue.dead_letter_id;
    buried integer;
    awaited uuid[];
    has_groups boolean;
BEGIN
    IF grave IS NULL THEN
        grave := tranter.queue_of(queue.name || '-dlq');
        UPDATE tranter.queues SET dead_letter_id = grave
            WHERE id = queue.id AND dead_letter_id IS NULL;
    END IF;
    WITH moved AS (
        UPDATE tranter.jobs j SET
            queue_id = grave, home_id = queue.id, state = 0, due_at = moment,
            rank = (date_part('epoch', moment) * 1000000)::bigint, finished_at = moment,
            lease_until = NULL, expires_at = NULL, cancel_requested = false, failed = true,
            reason = d.reason, failures = coalesce(d.failures, j.failures)
        FROM unnest(ids, kinds, all_failures, reasons) d(id, kind, failures, reason)
        WHERE j.id = ANY(ARRAY[d.id]) AND d.kind = 'dead'
        RETURNING j.id, j.job_group, j.waited
    )
    SELECT count(*), array_agg(id) FILTER (WHERE waited), bool_or(job_group <> '')
        INTO buried, awaited, has_groups FROM moved;
    IF has_groups THEN
        UPDATE tranter.queues SET grouped = true WHERE id = grave AND NOT grouped;
    END IF;
    PERFORM tranter.tell_ends(awaited);
    PERFORM tranter.tell_sleepers(grave);
    RETURN buried;
END
$$;
)sql";

// Statistics of a queue are always wrong: it was empty a moment ago, or is now, and a plan that
// reads the whole table looks as good as any other then. What all calls depend on is planned once,
// and finds no other way than by the index that is meant:
//   j.id = ANY(ARRAY[d.id])   a join that cannot begin with the table (no order of it is of use)
//   state + 0 = 2             keeps it from the index of the leases
//   ORDER BY ... LIMIT        cannot be had by reading all and sorting
// hand_out_test.cpp counts the rows that are read. What only these functions call has no settings
// of its own, as each of them costs a microsecond or two. Costs of what is switched off would make
// the server compile the plans.
constexpr std::string_view plans = R"sql(
DO $$
DECLARE
    planned regprocedure;
    setting text;
BEGIN
    FOR planned IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'tranter'::regnamespace AND proname IN (
            'fetch', 'let_time_pass', 'complete', 'extend', 'lock_attempts', 'end_attempts')
    LOOP
        FOREACH setting IN ARRAY ARRAY[
            'plan_cache_mode = force_generic_plan', 'jit = off', 'enable_seqscan = off',
            'enable_bitmapscan = off', 'enable_hashjoin = off', 'enable_mergejoin = off',
            'enable_sort = off']
        LOOP
            EXECUTE format('ALTER FUNCTION %s SET %s', planned, setting);
        END LOOP;
    END LOOP;
END
$$;
)sql";

}  // namespace

std::string_view settle_functions() {
    static const std::string all = std::string(completed).append(others).append(plans);
    return all;
}

}  // namespace tranter::postgres_jobs
