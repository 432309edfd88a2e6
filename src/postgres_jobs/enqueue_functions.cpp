#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {
namespace {

// What is enqueued comes as an array for each column. An array may be shorter than `ids`: what it
// does not say is the default, and the first type is that of all that have none. Times are in
// microseconds, since 1970 or from now. They are not looked at again: enqueue_plain and
// enqueue_jobs are for programs of ours, which have done so; everybody else has json_functions.cpp.
//
// enqueue_plain is for jobs that have nothing but a type and a payload. enqueue_jobs answers NULL
// when all jobs are new, or what each of them is a duplicate of. Without keys and chosen ids it is
// one INSERT too. With them the jobs are taken one after the other, as each may stand in the way of
// the next:
//   lock_keys, lock_groups   keep others out who bring the same key, or the same group of a queue
//                that has a limit for it, until the transaction ends: by a lock for each, beside a
//                shared one of the queue, in the same order by all. A call with more than 64, and
//                a transaction with more than 1,000, has the queue alone instead, as the server has
//                no room for any number of locks.
//   add_job      looks once more whether a chosen id is that of a finished job when the row is
//                there, since the job may have finished meanwhile.
//   holder_of    what a job with a unique key meets, and whether that has joined the job's group;
//                include/tranter/job.hpp says what the modes do, src/engine/queue.hpp has the same
//                rules for stores of our own.
// What only these two call has no search_path of its own, since it has theirs.
constexpr std::string_view enqueue_sql = R"sql(
CREATE FUNCTION tranter.enqueue_plain(
    queue_name text, ids uuid[], types text[], payloads text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    base bigint := extract(epoch FROM moment) * 1000000 + 300000000;
    of_queue integer;
    is_observed boolean;
BEGIN
    SELECT q.id, s.value::timestamptz > moment INTO of_queue, is_observed
        FROM tranter.queues q LEFT JOIN tranter.job_settings s ON s.name = 'observed_until'
        WHERE q.name = queue_name;
    IF NOT FOUND THEN
        of_queue := tranter.queue_of(queue_name);
        is_observed := tranter.is_observed();
    END IF;
    PERFORM tranter.tell_sleepers(of_queue);
    INSERT INTO tranter.jobs(
        id, queue_id, state, rank, created_at, due_at, type, payload)
    SELECT job.id, of_queue, 0, base + job.place, moment, moment, coalesce(job.type, types[1]),
        job.payload
    FROM unnest(ids, types, payloads) WITH ORDINALITY job(id, type, payload, place);
    IF is_observed THEN
        PERFORM tranter.tell_events(ids);
    END IF;
END
$$;

CREATE FUNCTION tranter.rows_of(
    moment timestamptz, base bigint, ids uuid[], types text[], payloads text[], delays bigint[],
    run_ats bigint[], priorities smallint[], groups text[], ttls bigint[], deadlines bigint[],
    options text[], keys text[], modes smallint[], key_ttls bigint[])
RETURNS TABLE(
    place bigint, id uuid, state smallint, rank bigint, priority smallint, due_at timestamptz,
    expires_at timestamptz, job_group text, type text, dedup_key text, dedup_mode smallint,
    key_ttl bigint, options text, payload text)
LANGUAGE sql STABLE AS $$
    SELECT job.place, job.id, CASE WHEN job.rest > 0 THEN 1 ELSE 0 END::smallint,
        base + job.rest + job.priority * 60000000 + job.place, job.priority,
        CASE WHEN job.rest > 0 THEN moment + job.rest * interval '1 us' ELSE moment END,
        least(
            moment + job.ttl * interval '1 us',
            timestamptz 'epoch' + job.deadline * interval '1 us'),
        job.job_group, job.type, job.key, job.mode, job.key_ttl, job.options, job.payload
    FROM (
        SELECT one.place, one.id, coalesce(one.type, types[1]) AS type, one.payload,
            greatest(coalesce(one.delay, one.run_at - base, 0), 0) AS rest,
            coalesce(one.priority, 5::smallint) AS priority,
            coalesce(one.job_group, '') AS job_group, one.ttl, one.deadline, one.options, one.key,
            one.mode, one.key_ttl
        FROM unnest(
            ids, types, payloads, delays, run_ats, priorities, groups, ttls, deadlines, options,
            keys, modes, key_ttls)
            WITH ORDINALITY one(
                id, type, payload, delay, run_at, priority, job_group, ttl, deadline, options,
                key, mode, key_ttl, place)
    ) job
$$;

CREATE FUNCTION tranter.lock_names(
    all_of_queue integer, one_name integer, of_queue integer, names text[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    hashes integer[] := ARRAY(
        SELECT DISTINCT hashtextextended(name, of_queue)::bit(32)::integer AS hash
        FROM unnest(names) name WHERE name <> '' ORDER BY hash);
    taken bigint := cardinality(hashes)
        + coalesce(nullif(current_setting('tranter.names_locked', true), ''), '0')::bigint;
    hash integer;
BEGIN
    IF cardinality(hashes) = 0 THEN
        RETURN;
    END IF;
    PERFORM set_config('tranter.names_locked', taken::text, true);
    IF cardinality(hashes) > 64 OR taken > 1000 THEN
        PERFORM pg_advisory_xact_lock(all_of_queue, of_queue);
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(all_of_queue, of_queue);
    FOREACH hash IN ARRAY hashes LOOP
        PERFORM pg_advisory_xact_lock(one_name, hash);
    END LOOP;
END
$$;

CREATE FUNCTION tranter.lock_keys(of_queue integer, keys text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tranter.lock_names(1416776561, 1416776569, of_queue, keys);
END
$$;

CREATE FUNCTION tranter.lock_groups(of_queue integer, groups text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tranter.lock_names(1416775537, 1416775538, of_queue, groups);
END
$$;

CREATE FUNCTION tranter.check_groups(queue tranter.queues, groups text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    one text;
    most integer := queue.max_queued_per_group;
BEGIN
    FOR one IN SELECT DISTINCT job_group FROM unnest(groups) job_group WHERE job_group <> ''
    LOOP
        PERFORM FROM (
            (SELECT FROM tranter.jobs
            WHERE queue_id = queue.id AND job_group = one AND job_group <> '' AND state = 0
            LIMIT most + 1)
            UNION ALL
            (SELECT FROM tranter.jobs
            WHERE queue_id = queue.id AND job_group = one AND job_group <> '' AND state = 1
            LIMIT most + 1)
        ) queued OFFSET most LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'TR002', MESSAGE = format(
                'group %s would have %s queued messages, limit is %s (max_queued_per_group of '
                'queue %s); try again once one of them has begun, or raise the limit',
                one, most + 1, most, queue.name);
        END IF;
    END LOOP;
END
$$;

CREATE FUNCTION tranter.holder_of(
    of_queue integer, moment timestamptz, job record, OUT holder uuid, OUT has_joined boolean)
LANGUAGE plpgsql AS $$
DECLARE
    held tranter.jobs;
    since timestamptz;
    due timestamptz := moment;
    new_rank bigint;
BEGIN
    has_joined := false;
    IF job.dedup_mode = 1 THEN
        holder := (
            SELECT job_id FROM tranter.throttles
            WHERE queue_id = of_queue AND dedup_key = job.dedup_key AND until > moment);
        RETURN;
    END IF;
    IF job.dedup_mode = 0 THEN
        holder := (
            SELECT id FROM tranter.jobs WHERE queue_id = of_queue AND dedup_key = job.dedup_key
            ORDER BY created_at DESC LIMIT 1);
        RETURN;
    END IF;
    SELECT * INTO held FROM tranter.jobs
        WHERE queue_id = of_queue AND dedup_key = job.dedup_key AND state <> 2
        ORDER BY created_at DESC LIMIT 1 FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    since := coalesce(held.unique_since, held.created_at);
    IF job.dedup_mode = 3 THEN
        IF held.state = 1 THEN
            due := greatest(moment, held.due_at);
        END IF;
    ELSIF job.key_ttl > 0 THEN
        due := greatest(moment, least(job.due_at, since + job.key_ttl * interval '1 us'));
    ELSE
        due := job.due_at;
    END IF;
    IF held.state = 0 AND due <= moment AND held.job_group = job.job_group
        AND held.priority = job.priority THEN
        new_rank := held.rank;
    ELSE
        new_rank := extract(epoch FROM due) * 1000000 + job.priority * 60000000 + job.place;
    END IF;
    UPDATE tranter.jobs
        SET state = CASE WHEN due > moment THEN 1 ELSE 0 END, rank = new_rank, attempt = 0,
            priority = job.priority, created_at = moment, unique_since = since, due_at = due,
            started_at = NULL, expires_at = job.expires_at, finished_at = NULL, home_id = NULL,
            dedup_mode = job.dedup_mode, failed = false, cancel_requested = false,
            job_group = job.job_group, type = job.type, worker = NULL, reason = NULL,
            progress = NULL, options = job.options, payload = job.payload, failures = NULL,
            steps = NULL
        WHERE id = held.id;
    holder := held.id;
    has_joined := held.job_group <> job.job_group;
END
$$;

CREATE FUNCTION tranter.add_job(
    of_queue integer, moment timestamptz, job record, is_chosen boolean)
RETURNS uuid
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tranter.jobs(
        id, queue_id, state, rank, priority, created_at, due_at, expires_at, dedup_mode, job_group,
        type, dedup_key, options, payload)
    VALUES(
        job.id, of_queue, job.state, job.rank, job.priority, moment, job.due_at, job.expires_at,
        job.dedup_mode, job.job_group, job.type, job.dedup_key, job.options, job.payload)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN job.id;
    END IF;
    IF is_chosen AND EXISTS(SELECT FROM tranter.finished_jobs WHERE id = job.id) THEN
        DELETE FROM tranter.jobs WHERE id = job.id;
        RETURN job.id;
    END IF;
    IF job.dedup_mode = 1 THEN
        INSERT INTO tranter.throttles(queue_id, dedup_key, job_id, until)
        VALUES(of_queue, job.dedup_key, job.id, moment + job.key_ttl * interval '1 us')
        ON CONFLICT (queue_id, dedup_key) DO UPDATE
            SET job_id = excluded.job_id, until = excluded.until;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION tranter.enqueue_jobs(
    queue_name text, any_chosen boolean, ids uuid[], types text[], payloads text[],
    delays bigint[], run_ats bigint[], priorities smallint[], groups text[], ttls bigint[],
    deadlines bigint[], options text[], keys text[], modes smallint[], key_ttls bigint[])
RETURNS uuid[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    queue tranter.queues;
    moment timestamptz := clock_timestamp();
    base bigint := extract(epoch FROM moment) * 1000000;
    job record;
    holder uuid;
    has_joined boolean;
    known uuid[];
    filled text[] := groups;
BEGIN
    SELECT * INTO queue FROM tranter.queues WHERE name = queue_name;
    IF NOT FOUND THEN
        PERFORM tranter.queue_of(queue_name);
        SELECT * INTO queue FROM tranter.queues WHERE name = queue_name;
    END IF;
    PERFORM tranter.tell_sleepers(queue.id);
    IF NOT queue.grouped AND cardinality(groups) > 0 THEN
        UPDATE tranter.queues SET grouped = true WHERE id = queue.id AND NOT grouped;
    END IF;
    IF cardinality(keys) > 0 THEN
        IF NOT queue.keeps_latest AND 3 = ANY(modes) THEN
            UPDATE tranter.queues SET keeps_latest = true WHERE id = queue.id AND NOT keeps_latest;
        END IF;
        PERFORM tranter.lock_keys(queue.id, keys);
    END IF;
    IF queue.max_queued_per_group > 0 AND cardinality(groups) > 0 THEN
        PERFORM tranter.lock_groups(queue.id, groups);
    END IF;
    IF any_chosen OR cardinality(keys) > 0 THEN
        filled := '{}';
        FOR job IN
            SELECT * FROM tranter.rows_of(
                moment, base, ids, types, payloads, delays, run_ats, priorities, groups, ttls,
                deadlines, options, keys, modes, key_ttls)
        LOOP
            holder := NULL;
            IF any_chosen AND tranter.is_known(job.id) THEN
                holder := job.id;
            ELSIF job.dedup_key IS NOT NULL THEN
                SELECT h.holder, h.has_joined INTO holder, has_joined
                    FROM tranter.holder_of(queue.id, moment, job) h;
                IF has_joined THEN
                    filled := filled || job.job_group;
                END IF;
            END IF;
            IF holder IS NULL THEN
                holder := tranter.add_job(queue.id, moment, job, any_chosen);
                filled := filled || job.job_group;
            END IF;
            known[job.place] := holder;
        END LOOP;
    ELSE
        INSERT INTO tranter.jobs(
            id, queue_id, state, rank, priority, created_at, due_at, expires_at, job_group, type,
            options, payload)
        SELECT job.id, queue.id, job.state, job.rank, job.priority, moment, job.due_at,
            job.expires_at, job.job_group, job.type, job.options, job.payload
        FROM tranter.rows_of(
            moment, base, ids, types, payloads, delays, run_ats, priorities, groups, ttls,
            deadlines, options, '{}', '{}', '{}') job;
    END IF;
    IF queue.max_queued_per_group > 0 AND cardinality(filled) > 0 THEN
        PERFORM tranter.check_groups(queue, filled);
    END IF;
    IF tranter.is_observed() THEN
        PERFORM tranter.tell_events(ARRAY(
            SELECT i.id FROM unnest(ids, known) WITH ORDINALITY i(id, holder, place)
            WHERE i.holder IS NULL ORDER BY i.place));
    END IF;
    RETURN known;
END
$$;
)sql";

}  // namespace

std::string_view enqueue_functions() {
    return enqueue_sql;
}

}  // namespace tranter::postgres_jobs
