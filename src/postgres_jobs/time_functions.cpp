#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {
namespace {

// Whoever looks for jobs of a queue, or waits for one of its jobs, lets its time pass: jobs become
// due, deadlines and leases end. Answers in how many microseconds it has to be done again, NULL
// when nothing is to come, 0 when nothing could be done for what is due. In small steps, and what
// somebody else has locked is theirs. from_time: leases and deadlines that end before it, in
// microseconds since 1970, and jobs that were due a minute ago, are not looked at; 0: all are.
constexpr std::string_view time_sql = R"sql(
CREATE FUNCTION tranter.let_time_pass(of_queue integer, from_time bigint DEFAULT 0)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    ends_from timestamptz := '-infinity';
    due_from timestamptz := '-infinity';
    step_max constant integer := 1000;
    next_event timestamptz;
    has_changed boolean;
BEGIN
    IF from_time > 0 THEN
        ends_from := timestamptz 'epoch' + from_time * interval '1 us';
        due_from := moment - interval '1 minute';
    END IF;
    next_event := tranter.next_event(of_queue, due_from, ends_from);
    IF next_event IS NULL OR next_event > moment THEN
        RETURN ceil(date_part('epoch', next_event - moment) * 1000000);
    END IF;
    UPDATE tranter.jobs SET state = 0
        WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM tranter.jobs
            WHERE queue_id = of_queue AND state = 1 AND due_at <= moment AND due_at >= due_from
            ORDER BY due_at LIMIT step_max FOR UPDATE SKIP LOCKED));
    has_changed := FOUND;
    IF has_changed THEN
        PERFORM tranter.tell_sleepers(of_queue);
    END IF;
    has_changed := tranter.end_deadlines(of_queue, ends_from, moment, step_max) OR has_changed;
    has_changed := tranter.end_leases(of_queue, ends_from, moment, step_max) OR has_changed;
    next_event := tranter.next_event(of_queue, due_from, ends_from);
    IF next_event IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN greatest(
        has_changed::integer, ceil(date_part('epoch', next_event - clock_timestamp()) * 1000000));
END
$$;

CREATE FUNCTION tranter.next_event(
    of_queue integer, due_from timestamptz, ends_from timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql AS $$
BEGIN
    RETURN least(
        (SELECT due_at FROM tranter.jobs
            WHERE queue_id = of_queue AND state = 1 AND due_at >= due_from
            ORDER BY due_at LIMIT 1),
        (SELECT lease_until FROM tranter.jobs
            WHERE queue_id = of_queue AND state = 2 AND lease_until >= ends_from
            ORDER BY lease_until LIMIT 1),
        (SELECT expires_at FROM tranter.jobs
            WHERE queue_id = of_queue AND expires_at IS NOT NULL AND state <> 2
                AND expires_at >= ends_from
            ORDER BY expires_at LIMIT 1));
END
$$;

CREATE FUNCTION tranter.end_deadlines(
    of_queue integer, ends_from timestamptz, moment timestamptz, jobs_max integer)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ended uuid[];
BEGIN
    ended := ARRAY(
        SELECT id FROM tranter.jobs
        WHERE queue_id = of_queue AND expires_at IS NOT NULL AND state <> 2
            AND expires_at <= moment AND expires_at >= ends_from
        ORDER BY expires_at LIMIT jobs_max FOR UPDATE SKIP LOCKED);
    IF cardinality(ended) > 0 THEN
        PERFORM tranter.end_attempts(
            of_queue, ended, array_fill('cancelled'::text, ARRAY[cardinality(ended)]), '{}', '{}',
            array_fill('expired'::text, ARRAY[cardinality(ended)]), 0);
    END IF;
    RETURN cardinality(ended) > 0;
END
$$;

CREATE FUNCTION tranter.end_leases(
    of_queue integer, ends_from timestamptz, moment timestamptz, jobs_max integer)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job tranter.jobs;
    attempts_max bigint;
    kind text;
    reason text;
    failures_now text;
    ids uuid[] := '{}';
    kinds text[] := '{}';
    all_failures text[] := '{}';
    reasons text[] := '{}';
BEGIN
    FOR job IN
        SELECT * FROM tranter.jobs
        WHERE queue_id = of_queue AND state = 2 AND lease_until <= moment
            AND lease_until >= ends_from
        ORDER BY lease_until LIMIT jobs_max FOR UPDATE SKIP LOCKED
    LOOP
        -- One job that makes no sense must not keep the time of all others from passing.
        BEGIN
            attempts_max := coalesce((job.options::jsonb #>> '{retry,max_attempts}')::bigint, 25);
            kind := CASE WHEN job.attempt >= attempts_max THEN 'dead' ELSE 'failed' END;
            reason := format(
                'attempt %s of %s failed: the lease ended before the attempt did', job.attempt,
                attempts_max);
            failures_now := tranter.with_lost_lease(job.failures, job.attempt, moment);
        EXCEPTION WHEN OTHERS THEN
            kind := 'dead';
            reason := 'options or failures cannot be read';
            failures_now := NULL;
        END;
        IF job.cancel_requested THEN
            kind := 'cancelled';
            reason := 'cancelled';
        END IF;
        ids := ids || job.id;
        kinds := kinds || kind;
        reasons := reasons || reason;
        all_failures := all_failures || failures_now;
    END LOOP;
    IF cardinality(ids) > 0 THEN
        PERFORM tranter.end_attempts(
            of_queue, ids, kinds, '{}', all_failures, reasons, cardinality(ids));
    END IF;
    RETURN cardinality(ids) > 0;
END
$$;

CREATE FUNCTION tranter.with_lost_lease(failures text, attempt integer, moment timestamptz)
RETURNS text
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_agg(one ORDER BY place)::text FROM (
        SELECT one, place FROM jsonb_array_elements(
            coalesce(failures, '[]')::jsonb || jsonb_build_object(
                'attempt', attempt,
                'at', to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'type', 'lease_expired', 'text', 'the lease ended before the attempt did'))
            WITH ORDINALITY entry(one, place)
        ORDER BY place DESC LIMIT 10) last_ten
$$;
)sql";

}  // namespace

std::string_view time_functions() {
    return time_sql;
}

}  // namespace tranter::postgres_jobs
