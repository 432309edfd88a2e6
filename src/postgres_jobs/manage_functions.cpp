#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {
namespace {

// What people do to jobs by their ids. Each locks the row of the job first, so that of two who want
// something different only one gets it, and says NULL when there is no such job, what it has done,
// or the name of the state in which the job is and this cannot be done.
//
//   next_rank    the place of a job that may begin now; see tables_1
//   key_holder   who has the unique key of a job that is to wait again
//   revive_job   a job of the history is enqueued anew, under its id. Receipts of its earlier life
//   do
//                not fit the new one, as each hand-out draws its own
constexpr std::string_view manage_sql = R"sql(
CREATE FUNCTION tranter.micros(moment timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (pg_catalog.date_part('epoch', moment) * 1000000)::bigint
$$;

CREATE FUNCTION tranter.next_rank(moment timestamptz, priority smallint) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT tranter.micros(moment) + priority * 60000000
$$;

CREATE FUNCTION tranter.state_of_finished(job_id uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE state WHEN 3 THEN 'completed' WHEN 5 THEN 'dead' ELSE 'cancelled' END
    FROM tranter.finished_jobs WHERE id = job_id
$$;

CREATE FUNCTION tranter.cancel_job(job_id uuid) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job tranter.jobs;
BEGIN
    SELECT * INTO job FROM tranter.jobs WHERE id = job_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN tranter.state_of_finished(job_id);
    END IF;
    IF job.home_id IS NOT NULL THEN
        RETURN 'dead';
    END IF;
    IF job.state = 2 THEN
        UPDATE tranter.jobs SET cancel_requested = true WHERE id = job_id;
        RETURN 'requested';
    END IF;
    PERFORM tranter.end_attempts(
        job.queue_id, ARRAY[job_id], '{cancelled}', '{}', '{}', '{cancelled}', 0);
    RETURN 'removed';
END
$$;

CREATE FUNCTION tranter.make_due(job tranter.jobs) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    UPDATE tranter.jobs
        SET state = 0, failed = false, due_at = moment,
            rank = tranter.next_rank(moment, priority)
        WHERE id = job.id;
    PERFORM tranter.tell_sleepers(job.queue_id);
    PERFORM tranter.tell_events(ARRAY[job.id]);
END
$$;

CREATE FUNCTION tranter.promote_job(job_id uuid) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job tranter.jobs;
BEGIN
    SELECT * INTO job FROM tranter.jobs WHERE id = job_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN tranter.state_of_finished(job_id);
    END IF;
    IF job.home_id IS NOT NULL THEN
        RETURN 'dead';
    END IF;
    IF job.state <> 1 THEN
        RETURN CASE job.state WHEN 2 THEN 'processing' ELSE 'pending' END;
    END IF;
    PERFORM tranter.make_due(job);
    RETURN 'done';
END
$$;

CREATE FUNCTION tranter.key_holder(of_queue integer, key text, mode smallint) RETURNS uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF key IS NULL OR mode = 1 THEN
        RETURN NULL;
    END IF;
    PERFORM tranter.lock_keys(of_queue, ARRAY[key]);
    RETURN (
        SELECT id FROM tranter.jobs
        WHERE queue_id = of_queue AND dedup_key = key AND (mode = 0 OR state <> 2) LIMIT 1);
END
$$;

CREATE FUNCTION tranter.revive_job(job_id uuid, expiry timestamptz) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job tranter.finished_jobs;
    moment timestamptz := clock_timestamp();
    holder uuid;
BEGIN
    DELETE FROM tranter.finished_jobs WHERE id = job_id RETURNING * INTO job;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    holder := tranter.key_holder(job.queue_id, job.dedup_key, job.dedup_mode);
    IF holder IS NOT NULL THEN
        RETURN 'held by ' || holder;
    END IF;
    INSERT INTO tranter.jobs(
        id, queue_id, state, rank, priority, created_at, due_at, expires_at, job_group, type,
        dedup_key, dedup_mode, options, payload)
    VALUES(
        job.id, job.queue_id, 0, tranter.next_rank(moment, job.priority), job.priority, moment,
        moment, expiry, job.job_group, job.type, job.dedup_key, job.dedup_mode, job.options,
        job.payload);
    PERFORM tranter.tell_sleepers(job.queue_id);
    PERFORM tranter.tell_events(ARRAY[job_id]);
    RETURN 'done';
END
$$;

CREATE FUNCTION tranter.retry_job(job_id uuid) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job tranter.jobs;
    moment timestamptz := clock_timestamp();
    holder uuid;
BEGIN
    SELECT * INTO job FROM tranter.jobs WHERE id = job_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF job.state = 2 THEN
        RETURN 'processing';
    END IF;
    IF job.home_id IS NULL THEN
        IF job.state = 0 THEN
            RETURN 'pending';
        END IF;
        IF NOT job.failed THEN
            RETURN 'scheduled';
        END IF;
        PERFORM tranter.make_due(job);
        RETURN 'done';
    END IF;
    holder := tranter.key_holder(job.home_id, job.dedup_key, job.dedup_mode);
    IF holder IS NOT NULL THEN
        RETURN 'held by ' || holder;
    END IF;
    UPDATE tranter.jobs
        SET queue_id = job.home_id, home_id = NULL, state = 0, attempt = 0, due_at = moment,
            rank = tranter.next_rank(moment, priority), started_at = NULL, finished_at = NULL,
            expires_at = CASE WHEN expires_at > moment THEN expires_at END, failed = false,
            cancel_requested = false, worker = NULL, reason = NULL
        WHERE id = job_id;
    PERFORM tranter.tell_sleepers(job.home_id);
    PERFORM tranter.tell_events(ARRAY[job_id]);
    RETURN 'done';
END
$$;

CREATE FUNCTION tranter.remove_job(job_id uuid) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job tranter.jobs;
BEGIN
    SELECT * INTO job FROM tranter.jobs WHERE id = job_id FOR UPDATE;
    IF FOUND AND job.home_id IS NULL THEN
        RETURN 'open';
    END IF;
    IF FOUND AND job.state = 2 THEN
        RETURN 'received';
    END IF;
    DELETE FROM tranter.jobs WHERE id = job_id;
    IF NOT FOUND THEN
        DELETE FROM tranter.finished_jobs WHERE id = job_id;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    DELETE FROM tranter.job_logs l WHERE l.job_id = remove_job.job_id;
    RETURN 'done';
END
$$;
)sql";

}  // namespace

std::string_view manage_functions() {
    return manage_sql;
}

}  // namespace tranter::postgres_jobs
