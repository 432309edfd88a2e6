#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {
namespace {

// To enqueue from any language, in the transaction of the caller: docs/postgres.md. Whoever may
// call enqueue, enqueue_many and enqueue_answered needs no right to a table, so they run as their
// owner, believe nothing, and have a search_path where nobody else can put anything. TR001 is an
// invalid argument, TR002 a limit that is reached.
//
// payloads_of has the payloads of all jobs when they must stay as they were written: jsonb orders
// members and cannot have "\u0000" in it.
constexpr std::string_view json_sql = R"sql(
-- Version 7, RFC 9562: the time in milliseconds stands first.
CREATE FUNCTION tranter.new_id() RETURNS uuid
LANGUAGE sql AS $$
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid()) PLACING substring(
            int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

CREATE FUNCTION tranter.check_queue_name(name text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    bytes_max integer := CASE WHEN name LIKE '%-dlq' THEN 80 ELSE 76 END;
BEGIN
    IF name IS NULL OR name !~ '^[A-Za-z0-9_-]+$' OR octet_length(name) > bytes_max THEN
        PERFORM tranter.refuse(format(
            'queue name is %s, it must be 1 to %s letters, digits, - and _',
            tranter.shown(to_jsonb(name)), bytes_max));
    END IF;
END
$$;

CREATE FUNCTION tranter.check_job(about text, type text, payload text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF type IS NULL OR type !~ '^[A-Za-z0-9_.:/-]{1,128}$' THEN
        PERFORM tranter.refuse(format(
            '%stype is %s, it must be 1 to 128 letters, digits and _ - . : /', about,
            tranter.shown(to_jsonb(type))));
    END IF;
    IF starts_with(type, '__') THEN
        PERFORM tranter.refuse(format(
            '%stype is %s, names that begin with __ are reserved', about,
            tranter.shown(to_jsonb(type))));
    END IF;
    IF octet_length(payload) > 1048576 THEN
        PERFORM tranter.refuse(format(
            '%spayload is %s bytes, limit is 1048576', about, octet_length(payload)));
    END IF;
END
$$;

CREATE FUNCTION tranter.read_options(
    about text, said jsonb, OUT id uuid, OUT delay bigint, OUT run_at bigint,
    OUT priority smallint, OUT job_group text, OUT ttl bigint, OUT deadline bigint,
    OUT kept text, OUT key text, OUT mode smallint, OUT key_ttl bigint)
LANGUAGE plpgsql AS $$
DECLARE
    keeps jsonb;
    part jsonb;
    runs bigint := 1;
BEGIN
    PERFORM tranter.check_members(
        about, 'options', said,
        '{id, delay, run_at, priority, group, retry, timeout, ttl, deadline, tags, dedup, runs,
        max_parallel_runs, success, traceparent, tracestate}');
    keeps := said - '{id, delay, run_at, group}'::text[];
    IF said ? 'id' THEN
        IF said ->> 'id' !~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' THEN
            PERFORM tranter.refuse(format(
                '%sid is %s, it must be a UUID like 0b6d3f4e-9f0c-4c8e-8f6a-2d1c5b7a9e10', about,
                tranter.shown(said -> 'id')));
        END IF;
        id := said ->> 'id';
    END IF;
    IF said ? 'priority' THEN
        priority := tranter.integer_of(about, 'priority', said -> 'priority', 0, 9);
    END IF;
    IF said ? 'group' THEN
        job_group := nullif(tranter.text_of(about, 'group', said -> 'group', 128), '');
    END IF;
    IF said ? 'retry' THEN
        part := tranter.read_retry(about, said -> 'retry');
        keeps := keeps - 'retry' || CASE WHEN part IS NULL THEN '{}'
            ELSE jsonb_build_object('retry', part) END;
    END IF;
    IF said ? 'timeout' THEN
        IF tranter.duration_of(about, 'timeout', said -> 'timeout') = 0 THEN
            PERFORM tranter.refuse(
                about || 'timeout is no time to work, leave it out for none');
        END IF;
        keeps := keeps || jsonb_build_object('timeout', tranter.duration_text(
            tranter.duration_of(about, 'timeout', said -> 'timeout')));
    END IF;
    IF said ? 'tags' THEN
        part := tranter.read_tags(about, said -> 'tags');
        IF part IS NULL THEN
            keeps := keeps - 'tags';
        END IF;
    END IF;
    IF said ? 'dedup' THEN
        SELECT d.kept, d.key, d.mode, d.ttl INTO part, key, mode, key_ttl
            FROM tranter.read_dedup(about, said -> 'dedup') d;
        keeps := keeps || jsonb_build_object('dedup', part);
    END IF;
    IF said ? 'runs' THEN
        runs := tranter.integer_of(about, 'runs', said -> 'runs', 1, 1000);
    END IF;
    IF said ? 'max_parallel_runs' THEN
        PERFORM tranter.integer_of(
            about, 'max_parallel_runs', said -> 'max_parallel_runs', 0, runs);
    END IF;
    PERFORM tranter.check_success(about, said -> 'success', runs);
    PERFORM tranter.check_trace(about, said -> 'traceparent', said -> 'tracestate');
    SELECT t.delay, t.run_at, t.ttl, t.deadline, keeps || t.kept
        INTO delay, run_at, ttl, deadline, keeps
        FROM tranter.read_times(about, said) t;
    kept := nullif(keeps, '{}')::text;
END
$$;

CREATE FUNCTION tranter.read_times(
    about text, said jsonb, OUT delay bigint, OUT run_at bigint, OUT ttl bigint,
    OUT deadline bigint, OUT kept jsonb)
LANGUAGE plpgsql AS $$
BEGIN
    kept := '{}';
    IF NOT said ?| '{delay, run_at, ttl, deadline}' THEN
        RETURN;
    END IF;
    IF said ? 'delay' AND said ? 'run_at' THEN
        PERFORM tranter.refuse(about || 'delay and run_at exclude each other');
    END IF;
    IF said ? 'delay' THEN
        delay := tranter.duration_of(about, 'delay', said -> 'delay');
    END IF;
    IF said ? 'run_at' THEN
        run_at := tranter.moment_of(about, 'run_at', said -> 'run_at');
    END IF;
    IF said ? 'ttl' THEN
        ttl := nullif(tranter.duration_of(about, 'ttl', said -> 'ttl'), 0);
        kept := jsonb_build_object('ttl', tranter.duration_text(coalesce(ttl, 0)));
    END IF;
    IF said ? 'deadline' THEN
        deadline := tranter.moment_of(about, 'deadline', said -> 'deadline');
        kept := kept || jsonb_build_object('deadline', to_char(
            timestamp 'epoch' + deadline * interval '1 us', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
    END IF;
    IF delay >= ttl THEN
        PERFORM tranter.refuse(format(
            '%sdelay is %s, it must be below ttl, which is %s, or the job would never begin',
            about, tranter.duration_text(delay), tranter.duration_text(ttl)));
    END IF;
    IF run_at >= deadline THEN
        PERFORM tranter.refuse(
            about || 'run_at is not before deadline, so the job would never begin');
    END IF;
END
$$;

CREATE FUNCTION tranter.check_success(about text, said jsonb, runs bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    needed integer := (regexp_match(said #>> '{}', '^at_least\(([1-9][0-9]{0,3})\)$'))[1];
BEGIN
    IF said IS NULL OR said IN ('"all"', '"any"') THEN
        RETURN;
    END IF;
    IF needed IS NULL OR needed > runs THEN
        PERFORM tranter.refuse(format(
            '%ssuccess is %s, it must be all, any or at_least(K) with 1 to %s runs', about,
            tranter.shown(said), runs));
    END IF;
END
$$;

CREATE FUNCTION tranter.check_trace(about text, traceparent jsonb, tracestate jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF traceparent IS NOT NULL
        AND (traceparent #>> '{}' !~
            '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?$'
            OR traceparent #>> '{}' ~ '^ff|^00.{54}|^..-0{32}|^.{35}-0{16}') THEN
        PERFORM tranter.refuse(format(
            '%straceparent is %s, it must be like '
            '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', about,
            tranter.shown(traceparent)));
    END IF;
    IF tracestate IS NOT NULL AND traceparent IS NULL THEN
        PERFORM tranter.refuse(about || 'tracestate is set, it needs a traceparent');
    END IF;
    IF jsonb_typeof(tracestate) <> 'string' OR tracestate #>> '{}' !~ '^[ -~]+$'
        OR octet_length(tracestate #>> '{}') > 512 THEN
        PERFORM tranter.refuse(
            about || 'tracestate must be 1 to 512 bytes of printable ASCII');
    END IF;
END
$$;

CREATE FUNCTION tranter.enqueue_answered(queue text, jobs jsonb, payloads_of json[] DEFAULT '{}')
RETURNS TABLE(id uuid, is_duplicate boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    total integer;
    job record;
    about text := '';
    ids uuid[]; types text[]; payloads text[]; delays bigint[]; run_ats bigint[];
    priorities smallint[]; groups text[]; ttls bigint[]; deadlines bigint[]; options text[];
    keys text[]; modes smallint[]; key_ttls bigint[];
    is_plain boolean := true;
    any_chosen boolean := false;
    said record;
    known uuid[];
BEGIN
    PERFORM tranter.check_queue_name(queue);
    IF jobs IS NULL OR jsonb_typeof(jobs) <> 'array' THEN
        PERFORM tranter.refuse('jobs must be an array of objects with a type and a payload');
    END IF;
    total := jsonb_array_length(jobs);
    IF total > 10000 THEN
        PERFORM tranter.refuse(format('%s jobs in one call, limit is 10000', total));
    END IF;
    IF cardinality(payloads_of) NOT IN (0, total) THEN
        PERFORM tranter.refuse(
            format('%s payloads for %s jobs', cardinality(payloads_of), total));
    END IF;
    IF total = 0 THEN
        RETURN;
    END IF;
    FOR job IN
        SELECT one.place, jsonb_typeof(one.said) AS kind, one.said ->> 'type' AS type,
            coalesce(one.payload::text, (one.said -> 'payload')::text, 'null') AS payload,
            CASE jsonb_typeof(one.said) WHEN 'object'
                THEN one.said - '{type, payload}'::text[] END AS others
        FROM ROWS FROM (jsonb_array_elements(jobs), unnest(payloads_of))
            WITH ORDINALITY one(said, payload, place)
        ORDER BY one.place
    LOOP
        IF total > 1 THEN
            about := format('job %s of %s: ', job.place, total);
        END IF;
        IF job.kind IS DISTINCT FROM 'object' THEN
            PERFORM tranter.refuse(about || 'it must be an object with a type and a payload');
        END IF;
        PERFORM tranter.check_job(about, job.type, job.payload);
        types[job.place] := job.type;
        payloads[job.place] := job.payload;
        IF job.others = '{}' THEN
            ids[job.place] := tranter.new_id();
            CONTINUE;
        END IF;
        IF is_plain THEN
            is_plain := false;
            delays := array_fill(NULL::bigint, ARRAY[total]);
            run_ats := delays;
            ttls := delays;
            deadlines := delays;
            key_ttls := delays;
            priorities := array_fill(NULL::smallint, ARRAY[total]);
            modes := priorities;
            options := array_fill(NULL::text, ARRAY[total]);
        END IF;
        SELECT * INTO said FROM tranter.read_options(about, jsonb_strip_nulls(job.others));
        any_chosen := any_chosen OR said.id IS NOT NULL;
        ids[job.place] := coalesce(said.id, tranter.new_id());
        delays[job.place] := said.delay;
        run_ats[job.place] := said.run_at;
        priorities[job.place] := said.priority;
        ttls[job.place] := said.ttl;
        deadlines[job.place] := said.deadline;
        options[job.place] := said.kept;
        modes[job.place] := said.mode;
        key_ttls[job.place] := said.key_ttl;
        IF said.job_group IS NOT NULL THEN
            groups := coalesce(groups, array_fill(NULL::text, ARRAY[total]));
            groups[job.place] := said.job_group;
        END IF;
        IF said.key IS NOT NULL THEN
            keys := coalesce(keys, array_fill(NULL::text, ARRAY[total]));
            keys[job.place] := said.key;
        END IF;
    END LOOP;
    IF is_plain THEN
        PERFORM tranter.enqueue_plain(queue, ids, types, payloads);
    ELSE
        known := tranter.enqueue_jobs(
            queue, any_chosen, ids, types, payloads, delays, run_ats, priorities, groups, ttls,
            deadlines, options, keys, modes, key_ttls);
    END IF;
    RETURN QUERY
        SELECT coalesce(k.id, i.id), k.id IS NOT NULL
        FROM unnest(ids) WITH ORDINALITY i(id, place)
            LEFT JOIN unnest(known) WITH ORDINALITY k(id, place) ON k.place = i.place
        ORDER BY i.place;
END
$$;

CREATE FUNCTION tranter.enqueue_many(queue text, jobs jsonb) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT id FROM tranter.enqueue_answered(queue, jobs)
$$;

CREATE FUNCTION tranter.enqueue(
    queue text, type text, payload jsonb DEFAULT 'null', options jsonb DEFAULT '{}')
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id uuid;
    said record;
    known uuid[];
BEGIN
    PERFORM tranter.check_queue_name(queue);
    PERFORM tranter.check_job('', type, payload::text);
    IF coalesce(options, '{}') = '{}' THEN
        id := tranter.new_id();
        PERFORM tranter.enqueue_plain(
            queue, ARRAY[id], ARRAY[type], ARRAY[coalesce(payload::text, 'null')]);
        RETURN id;
    END IF;
    SELECT * INTO said FROM tranter.read_options('', jsonb_strip_nulls(options));
    id := coalesce(said.id, tranter.new_id());
    known := tranter.enqueue_jobs(
        queue, said.id IS NOT NULL, ARRAY[id], ARRAY[type],
        ARRAY[coalesce(payload::text, 'null')], ARRAY[said.delay], ARRAY[said.run_at],
        ARRAY[said.priority], CASE WHEN said.job_group IS NOT NULL THEN ARRAY[said.job_group] END,
        ARRAY[said.ttl], ARRAY[said.deadline], ARRAY[said.kept],
        CASE WHEN said.key IS NOT NULL THEN ARRAY[said.key] END, ARRAY[said.mode],
        ARRAY[said.key_ttl]);
    RETURN coalesce(known[1], id);
END
$$;

-- For triggers of adopted tables: what nobody else may say is that a job is that of a row.
CREATE FUNCTION tranter.enqueue_row(queue text, type text, payload jsonb, key text) RETURNS uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id uuid := tranter.new_id();
    known uuid[];
BEGIN
    PERFORM tranter.check_queue_name(queue);
    PERFORM tranter.check_job('', type, payload::text);
    PERFORM tranter.text_of('', 'key of the row', to_jsonb(key), 255);
    known := tranter.enqueue_jobs(
        queue, false, ARRAY[id], ARRAY[type], ARRAY[coalesce(payload::text, 'null')], '{}', '{}',
        '{}', '{}', '{}', '{}', ARRAY[jsonb_build_object(
            'dedup', jsonb_build_object('key', key, 'mode', 'keep_latest'))::text],
        ARRAY[key], ARRAY[3::smallint], '{}');
    RETURN coalesce(known[1], id);
END
$$;
)sql";

}  // namespace

std::string_view json_functions() {
    return json_sql;
}

}  // namespace tranter::postgres_jobs
