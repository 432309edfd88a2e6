#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {
namespace {

// What a worker says about attempts while they run, by receipts. Where a delivery is over `is_held`
// is false; of a job that nobody knows there is no row.
//
// A row that is locked is being settled, maybe in a transaction of the handler's that takes its
// time. The leases of other jobs must not wait for that, and nobody takes it away meanwhile. It
// keeps the lease that it has, which is `rest_us` in microseconds.
constexpr std::string_view attempt_sql = R"sql(
CREATE FUNCTION tranter.is_known(job_id uuid) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS(SELECT FROM tranter.jobs WHERE id = job_id)
        OR EXISTS(SELECT FROM tranter.finished_jobs WHERE id = job_id);
END
$$;

CREATE FUNCTION tranter.extend(
    of_queue integer, ids uuid[], deliveries integer[], lease_ms bigint)
RETURNS TABLE(
    place bigint, is_held boolean, cancel_requested boolean, worker text, rest_us bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN QUERY
        WITH free AS (
            SELECT j.ctid AS tid, d.place
            FROM unnest(ids, deliveries) WITH ORDINALITY d(id, delivery, place)
                JOIN tranter.jobs j ON j.id = ANY(ARRAY[d.id])
            WHERE j.delivery = d.delivery AND j.state + 0 = 2 AND j.queue_id = of_queue
                AND j.lease_until > moment
            FOR NO KEY UPDATE OF j SKIP LOCKED
        ), held AS (
            UPDATE tranter.jobs j SET lease_until = moment + lease_ms * interval '1 ms'
            FROM free WHERE j.ctid = free.tid
            RETURNING free.place, j.cancel_requested, j.worker
        )
        SELECT d.place,
            held.place IS NOT NULL OR coalesce(
                j.delivery = d.delivery AND j.state + 0 = 2 AND j.queue_id = of_queue
                    AND j.lease_until > moment, false),
            coalesce(held.cancel_requested, false), coalesce(held.worker, j.worker),
            CASE WHEN held.place IS NULL
                THEN floor(date_part('epoch', j.lease_until - moment) * 1000000)::bigint
                ELSE lease_ms * 1000 END
        FROM unnest(ids, deliveries) WITH ORDINALITY d(id, delivery, place)
            LEFT JOIN held ON held.place = d.place
            LEFT JOIN tranter.jobs j ON j.id = ANY(ARRAY[d.id]) AND held.place IS NULL
        WHERE held.place IS NOT NULL OR j.id IS NOT NULL OR tranter.is_known(d.id);
END
$$;

CREATE FUNCTION tranter.lock_attempt(of_queue integer, job_id uuid, of_delivery integer)
RETURNS TABLE(is_held boolean, steps text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT j.delivery = of_delivery AND j.state = 2 AND j.queue_id = of_queue
                AND j.lease_until > clock_timestamp(), j.steps
        FROM tranter.jobs j WHERE j.id = job_id FOR NO KEY UPDATE;
    IF NOT FOUND AND tranter.is_known(job_id) THEN
        RETURN QUERY SELECT false, NULL::text;
    END IF;
END
$$;

CREATE FUNCTION tranter.set_progress(
    of_queue integer, job_id uuid, of_delivery integer, json text)
RETURNS TABLE(is_held boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE tranter.jobs SET progress = json
        WHERE id = job_id AND delivery = of_delivery AND state + 0 = 2 AND queue_id = of_queue
            AND lease_until > clock_timestamp();
    IF FOUND THEN
        RETURN QUERY SELECT true;
    ELSIF tranter.is_known(job_id) THEN
        RETURN QUERY SELECT false;
    END IF;
END
$$;

CREATE FUNCTION tranter.append_log(
    of_queue integer, job_id uuid, of_delivery integer, new_lines text[], new_bytes integer,
    dropped bigint)
RETURNS TABLE(is_held boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held boolean;
    first_number bigint;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT a.is_held INTO held FROM tranter.lock_attempt(of_queue, job_id, of_delivery) a;
    IF NOT held OR held IS NULL THEN
        RETURN QUERY SELECT false WHERE held IS NOT NULL;
        RETURN;
    END IF;
    RETURN QUERY SELECT true;
    IF cardinality(new_lines) = 0 THEN
        RETURN;
    END IF;
    SELECT l.number + cardinality(l.lines) INTO first_number FROM tranter.job_logs l
        WHERE l.job_id = append_log.job_id ORDER BY l.number DESC LIMIT 1;
    first_number := coalesce(first_number, 0) + dropped;
    INSERT INTO tranter.job_logs(job_id, number, bytes, lines)
        VALUES(job_id, first_number, new_bytes, new_lines);
    -- Only now and then, so that a log of many short calls is not read at each of them.
    IF new_bytes > 16384 OR first_number % 64 = 0 THEN
        PERFORM tranter.trim_log(job_id);
    END IF;
END
$$;

CREATE FUNCTION tranter.trim_log(of_job uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM tranter.job_logs l USING (
        SELECT number, sum(bytes) OVER newer - bytes AS bytes_behind,
            sum(cardinality(lines)) OVER newer - cardinality(lines) AS lines_behind
        FROM tranter.job_logs WHERE job_id = of_job
        WINDOW newer AS (ORDER BY number DESC)) r
    WHERE l.job_id = of_job AND l.number = r.number
        AND (r.bytes_behind >= 1048576 OR r.lines_behind >= 10000);
END
$$;
)sql";

}  // namespace

std::string_view attempt_functions() {
    return attempt_sql;
}

}  // namespace tranter::postgres_jobs
