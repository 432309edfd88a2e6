#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {
namespace {

// Rows are picked first, and written in a statement of their own, whose snapshot sees them as they
// are locked.
//
// Locks are taken in one order, or hand-outs of one queue would wait for each other in a circle:
// that of the turns (1416779637), rows of jobs and queues, the row of queue_hints.
//
// from_rank, from_time   where the look begins, 0: at the very beginning; see look_start.hpp, which
//                        decides it by what the first row of the answer says: the rank of the
//                        first job, when it was looked (microseconds since 1970), from when on
//                        things are known to end (0: more has ended than was dealt with, NULL: it
//                        was not looked at), how many blocks were read in vain or not, and how
//                        many microseconds that took. Queues that take turns read what they must.
constexpr std::string_view hand_out = R"sql(
CREATE FUNCTION tranter.blocks_of_pick() RETURNS bigint
LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_blocks_fetched('tranter.jobs'::regclass)
        + pg_stat_get_xact_blocks_fetched('tranter.jobs_pending'::regclass)
$$;

CREATE FUNCTION tranter.blocks_of_leases() RETURNS bigint
LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_blocks_fetched('tranter.jobs_processing'::regclass)
$$;

CREATE FUNCTION tranter.fetch(
    of_queue integer, jobs_max integer, lease_ms bigint, worker_name text, pass_time boolean,
    heard bigint, from_rank bigint DEFAULT 0, from_time bigint DEFAULT 0)
RETURNS TABLE(
    id uuid, delivery integer, attempt integer, place bigint, created double precision,
    due double precision, type text, payload text, job_group text, options text, steps text,
    rank bigint, looked_at bigint, ends_from bigint, blocks bigint, took bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    -- An expression alone is cheaper than a statement.
    is_not_synced text := set_config('synchronous_commit', 'off', true);
    is_paused boolean;
    takes_turns boolean;
    is_observed boolean;
    began timestamptz := clock_timestamp();
    began_us bigint := tranter.micros(began);
    leases_before bigint := tranter.blocks_of_leases();
    pick_before bigint;
    moment timestamptz;
    picked tid[];
    next_look bigint;
    has_passed boolean := pass_time;
    ends_known bigint;
    blocks_read bigint := 0;
    took_us bigint;
BEGIN
    IF pass_time THEN
        PERFORM pg_advisory_xact_lock(1416779637, of_queue) FROM tranter.queues q
            WHERE q.id = of_queue AND (q.grouped OR q.keeps_latest OR q.max_in_flight > 0
                OR q.max_in_flight_per_group > 0);
        next_look := tranter.let_time_pass(of_queue, from_time);
    END IF;
    SELECT q.paused, q.grouped OR q.keeps_latest OR q.max_in_flight > 0
                OR q.max_in_flight_per_group > 0,
            s.value::timestamptz > began
        INTO is_paused, takes_turns, is_observed
        FROM tranter.queues q LEFT JOIN tranter.job_settings s ON s.name = 'observed_until'
        WHERE q.id = of_queue;
    LOOP
        moment := clock_timestamp();
        pick_before := tranter.blocks_of_pick();
        IF is_paused THEN
            picked := '{}';
        ELSIF takes_turns THEN
            picked := tranter.pick_in_turns(of_queue, jobs_max, moment);
        ELSE
            picked := ARRAY(
                SELECT j.ctid FROM tranter.jobs j
                WHERE j.queue_id = of_queue AND j.state = 0 AND j.job_group = ''
                    AND j.rank >= from_rank
                    AND (j.expires_at IS NULL OR j.expires_at > moment)
                ORDER BY j.rank LIMIT jobs_max FOR UPDATE SKIP LOCKED);
            blocks_read := blocks_read + tranter.blocks_of_pick() - pick_before;
        END IF;
        EXIT WHEN has_passed OR cardinality(picked) > 0;
        next_look := tranter.let_time_pass(of_queue, from_time);
        has_passed := true;
    END LOOP;
    IF has_passed THEN
        ends_known := CASE WHEN coalesce(next_look, 2) > 1
            THEN began_us + least(next_look, lease_ms * 1000) ELSE 0 END;
    END IF;
    IF NOT takes_turns THEN
        blocks_read := blocks_read + tranter.blocks_of_leases() - leases_before;
    END IF;
    took_us := tranter.micros(clock_timestamp()) - began_us;
    IF heard > 0 THEN
        PERFORM tranter.forget_wish(of_queue, heard);
    END IF;
    IF cardinality(picked) = 0 THEN
        RETURN QUERY SELECT NULL::uuid, 0, 0, next_look, 0::double precision, 0::double precision,
            '', '', '', '', '', NULL::bigint, began_us, ends_known, blocks_read, took_us;
        RETURN;
    END IF;
    RETURN QUERY UPDATE tranter.jobs j
        SET state = 2, attempt = j.attempt + 1, started_at = moment,
            lease_until = moment + lease_ms * interval '1 ms', worker = worker_name,
            -- Drawn, not counted: a hand-out that a crash made undone was given to somebody.
            delivery = 1 + (j.delivery + floor(random() * 2147483646)::bigint) % 2147483647
        FROM unnest(picked) WITH ORDINALITY p(tid, place) WHERE j.ctid = p.tid
        RETURNING j.id, j.delivery, j.attempt, p.place, date_part('epoch', j.created_at),
            date_part('epoch', j.due_at), j.type, j.payload, j.job_group, j.options, j.steps,
            CASE WHEN p.place = 1 THEN j.rank END, began_us, ends_known, blocks_read, took_us;
    IF is_observed THEN
        PERFORM tranter.tell_events(ARRAY(
            SELECT j.id FROM tranter.jobs j
            WHERE j.queue_id = of_queue AND j.state = 2
                AND j.lease_until = moment + lease_ms * interval '1 ms'
                AND j.started_at = moment));
    END IF;
END
$$;
)sql";

// Queues with groups, limits or jobs of keep_latest. Hand-outs of one queue wait for each other,
// and look only then at what is running, in a new snapshot: limits are exact, and nothing is
// counted that could be forgotten when a worker dies.
//
// The groups stand in a circle in order of their names, behind the last one those jobs that have
// none. Fair: from the group after the one that was served last, one job of each in turn. Not fair:
// by age over all groups that have room.
constexpr std::string_view turns = R"sql(
CREATE FUNCTION tranter.pick_by_age(of_queue integer, jobs_max integer, moment timestamptz)
RETURNS tid[]
LANGUAGE plpgsql AS $$
BEGIN
    RETURN ARRAY(
        SELECT one.tid FROM (
            (SELECT ctid AS tid, rank FROM tranter.jobs
            WHERE queue_id = of_queue AND state = 0 AND job_group = ''
                AND (expires_at IS NULL OR expires_at > moment)
            ORDER BY rank LIMIT jobs_max)
            UNION ALL
            (SELECT ctid, rank FROM tranter.jobs
            WHERE queue_id = of_queue AND state = 0 AND job_group > ''
                AND (expires_at IS NULL OR expires_at > moment)
            ORDER BY rank LIMIT jobs_max)) one
        ORDER BY one.rank LIMIT jobs_max);
END
$$;

CREATE FUNCTION tranter.pick_of_groups(
    queue tranter.queues, groups text[], rooms integer[], each integer, jobs_max integer,
    moment timestamptz, OUT picked tid[], OUT last_group text, OUT may_have_more boolean)
LANGUAGE plpgsql AS $$
BEGIN
    WITH candidate AS (
        SELECT p.place, p.job_group, p.room, j.* FROM
            unnest(groups, rooms) WITH ORDINALITY p(job_group, room, place)
            CROSS JOIN LATERAL (
                (SELECT g.ctid AS tid, g.rank, g.dedup_mode, g.dedup_key FROM tranter.jobs g
                WHERE g.queue_id = queue.id AND g.state = 0 AND g.job_group = p.job_group
                    AND g.job_group <> '' AND (g.expires_at IS NULL OR g.expires_at > moment)
                    AND NOT (queue.keeps_latest AND tranter.has_to_wait(g))
                ORDER BY g.rank LIMIT least(p.room, each))
                UNION ALL
                (SELECT g.ctid, g.rank, g.dedup_mode, g.dedup_key FROM tranter.jobs g
                WHERE p.job_group = '' AND g.queue_id = queue.id AND g.state = 0
                    AND g.job_group = '' AND (g.expires_at IS NULL OR g.expires_at > moment)
                    AND NOT (queue.keeps_latest AND tranter.has_to_wait(g))
                ORDER BY g.rank LIMIT least(p.room, each))) j
    ), numbered AS (
        SELECT c.*, row_number() OVER (PARTITION BY c.place ORDER BY c.rank) AS nth,
            row_number() OVER (PARTITION BY c.dedup_mode, c.dedup_key ORDER BY c.rank) AS same
        FROM candidate c
    ), chosen AS (
        SELECT n.*, row_number() OVER (
            ORDER BY CASE WHEN queue.fair THEN n.nth END, CASE WHEN queue.fair THEN n.place END,
                n.rank) AS turn
        FROM numbered n WHERE n.dedup_mode IS DISTINCT FROM 3 OR n.same = 1
        ORDER BY turn LIMIT jobs_max
    )
    SELECT array_agg(c.tid ORDER BY c.turn),
        (array_agg(c.job_group ORDER BY c.turn DESC))[1],
        coalesce(bool_or(c.nth = each AND each < c.room), false)
    INTO picked, last_group, may_have_more FROM chosen c;
END
$$;

CREATE FUNCTION tranter.has_to_wait(job tranter.jobs) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    RETURN job.dedup_mode = 3 AND EXISTS(
        SELECT FROM tranter.jobs r WHERE r.queue_id = job.queue_id
            AND r.dedup_key = job.dedup_key AND r.dedup_key IS NOT NULL AND r.state + 0 = 2);
END
$$;

CREATE FUNCTION tranter.pick_in_turns(of_queue integer, jobs_max integer, moment timestamptz)
RETURNS tid[]
LANGUAGE plpgsql AS $$
DECLARE
    queue tranter.queues;
    most integer := jobs_max;
    running jsonb;
    last_turn text COLLATE "C" := '';
    here text COLLATE "C";
    went_round boolean := false;
    is_round boolean := false;
    wanted integer;
    looked integer := 0;
    looked_max constant integer := 10000;
    room integer;
    groups text[] := '{}';
    rooms integer[] := '{}';
    each integer;
    choice record;
BEGIN
    PERFORM pg_advisory_xact_lock(1416779637, of_queue);
    SELECT * INTO queue FROM tranter.queues WHERE id = of_queue;
    IF queue.max_in_flight > 0 THEN
        most := least(most, queue.max_in_flight - (
            SELECT count(*) FROM tranter.jobs WHERE queue_id = of_queue AND state = 2));
        IF most <= 0 THEN
            RETURN '{}';
        END IF;
    END IF;
    IF NOT queue.fair AND queue.max_in_flight_per_group = 0 AND NOT queue.keeps_latest THEN
        RETURN tranter.locked_of(tranter.pick_by_age(of_queue, most, moment));
    END IF;
    IF queue.max_in_flight_per_group > 0 THEN
        SELECT jsonb_object_agg(job_group, n) INTO running FROM (
            SELECT job_group, count(*) AS n FROM tranter.jobs
            WHERE queue_id = of_queue AND state = 2 GROUP BY job_group) counted;
    END IF;
    IF queue.fair THEN
        SELECT turn INTO last_turn FROM tranter.queue_hints WHERE queue_id = of_queue;
        last_turn := coalesce(last_turn, '');
    END IF;
    here := last_turn;
    wanted := CASE WHEN queue.fair THEN most ELSE looked_max END;
    LOOP
        WHILE looked < looked_max AND cardinality(groups) < wanted LOOP
            looked := looked + 1;
            SELECT job_group INTO here FROM tranter.jobs
                WHERE queue_id = of_queue AND state = 0 AND job_group <> '' AND job_group > here
                ORDER BY job_group LIMIT 1;
            IF NOT FOUND THEN
                is_round := went_round;
                went_round := true;
                here := '';
            END IF;
            is_round := is_round OR went_round AND here > last_turn;
            EXIT WHEN is_round;
            room := most;
            IF queue.max_in_flight_per_group > 0 AND here <> '' THEN
                room := least(
                    most, queue.max_in_flight_per_group - coalesce((running ->> here)::integer, 0));
            END IF;
            IF room > 0 THEN
                groups := groups || here;
                rooms := rooms || room;
            END IF;
        END LOOP;
        choice := tranter.pick_of_groups(
            queue, groups, rooms,
            CASE WHEN queue.fair THEN (most - 1) / greatest(cardinality(groups), 1) + 1
                ELSE most END, most, moment);
        EXIT WHEN is_round OR looked >= looked_max
            OR coalesce(cardinality(choice.picked), 0) >= most;
        -- Groups whose jobs all have to wait, or are too late, hide none of those behind them.
        wanted := wanted * 4;
    END LOOP;
    IF queue.fair THEN
        each := (most - 1) / greatest(cardinality(groups), 1) + 1;
        WHILE each < most AND choice.may_have_more
            AND coalesce(cardinality(choice.picked), 0) < most
        LOOP
            each := each * 2;
            choice := tranter.pick_of_groups(queue, groups, rooms, each, most, moment);
        END LOOP;
        -- After a part of a round the next hand-out looks at the rest of it.
        IF NOT is_round AND coalesce(cardinality(choice.picked), 0) < most THEN
            choice.last_group := here;
        END IF;
        UPDATE tranter.queue_hints SET turn = choice.last_group
            WHERE queue_id = of_queue AND turn <> choice.last_group;
    END IF;
    RETURN tranter.locked_of(coalesce(choice.picked, '{}'));
END
$$;

CREATE FUNCTION tranter.locked_of(picked tid[]) RETURNS tid[]
LANGUAGE plpgsql AS $$
BEGIN
    RETURN ARRAY(
        SELECT j.ctid FROM unnest(picked) WITH ORDINALITY p(tid, place)
            JOIN tranter.jobs j ON j.ctid = p.tid
        WHERE j.state + 0 = 0 ORDER BY p.place FOR UPDATE OF j SKIP LOCKED);
END
$$;
)sql";

}  // namespace

std::string_view fetch_functions() {
    static const std::string all = std::string(hand_out).append(turns);
    return all;
}

}  // namespace tranter::postgres_jobs
