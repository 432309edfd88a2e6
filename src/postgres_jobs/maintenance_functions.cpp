#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {
namespace {

// Each function is one step and one transaction, and runs as the owner of the tables, so that
// workers need no rights of their own for it.
//
//   setting        of job_settings, which maintenance.hpp lists
//   claim_maintenance   whether the caller is the one who does it now: a claim is for ten minutes,
//                  so that the end of a process does not end maintenance, and nobody begins within
//                  a minute after another one unless he is told to. A step that takes longer is not
//                  begun by anybody else either: maintenance.cpp locks it
//   begin_period   when the one that is open is large or old enough. The partition of the next
//                  one is there already, and what is made now is the one after it, so that nobody
//                  who settles jobs waits
//   index_period   the oldest that ended a minute ago (so that everybody who settles knows) and
//                  has no index of words yet
//   detach_period  the oldest when there are more jobs than are kept, or when it ended long ago.
//                  Gives up soon when somebody else reads, who would hold up all who settle jobs
//   drop_period    one that was detached, with the logs of its jobs
//   forget_others  what is left of throttles and workers
constexpr std::string_view maintenance_sql = R"sql(
CREATE FUNCTION tranter.setting(setting_name text, otherwise bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((
        SELECT value::bigint FROM tranter.job_settings
        WHERE name = setting_name AND value ~ '^[0-9]{1,18}$'), otherwise)
$$;

CREATE FUNCTION tranter.claim_maintenance(at_once boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment bigint := extract(epoch FROM clock_timestamp())::bigint;
    busy_until bigint;
BEGIN
    INSERT INTO tranter.job_settings(name, value) VALUES('maintenance_busy_until', '0')
        ON CONFLICT DO NOTHING;
    SELECT value INTO busy_until FROM tranter.job_settings
        WHERE name = 'maintenance_busy_until' FOR UPDATE;
    IF busy_until > moment
        OR (NOT at_once AND tranter.setting('maintenance_due', 0) > moment)
    THEN
        RETURN false;
    END IF;
    UPDATE tranter.job_settings SET value = moment + 600 WHERE name = 'maintenance_busy_until';
    INSERT INTO tranter.job_settings(name, value) VALUES('maintenance_due', moment + 60)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value;
    RETURN true;
END
$$;

CREATE FUNCTION tranter.end_maintenance() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE tranter.job_settings SET value = '0' WHERE name = 'maintenance_busy_until'
$$;

CREATE FUNCTION tranter.begin_period() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    open_one tranter.periods;
    partition regclass;
    has_rows boolean;
    next_but_one integer;
    age_max interval := tranter.setting('history_age_max_s', 7776000) * interval '1 s';
BEGIN
    LOCK TABLE tranter.periods IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO open_one FROM tranter.periods ORDER BY period DESC LIMIT 1;
    partition := format('tranter.finished_jobs_%s', open_one.period)::regclass;
    EXECUTE format('SELECT EXISTS(SELECT FROM %s)', partition) INTO has_rows;
    IF NOT has_rows THEN
        UPDATE tranter.periods SET begun_at = moment WHERE period = open_one.period;
        RETURN NULL;
    END IF;
    IF greatest(
            pg_stat_get_live_tuples(partition),
            (SELECT reltuples FROM pg_class WHERE oid = partition)
        ) < tranter.setting('history_period_rows', 250000)
        AND pg_total_relation_size(partition) < tranter.setting('history_period_bytes', 1073741824)
        AND open_one.begun_at > moment - greatest(
            least(age_max / 30, interval '7 days'), interval '1 hour')
    THEN
        RETURN NULL;
    END IF;
    next_but_one := open_one.period + 2;
    EXECUTE format(
        'CREATE TABLE tranter.finished_jobs_%s(LIKE tranter.finished_jobs INCLUDING ALL)',
        next_but_one);
    EXECUTE format(
        'ALTER TABLE tranter.finished_jobs ATTACH PARTITION tranter.finished_jobs_%s '
        'FOR VALUES IN (%s)', next_but_one, next_but_one);
    UPDATE tranter.periods SET ended_at = moment WHERE period = open_one.period;
    INSERT INTO tranter.periods(period, begun_at) VALUES(open_one.period + 1, moment);
    RETURN open_one.period + 1;
END
$$;

CREATE FUNCTION tranter.index_period(rest interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET maintenance_work_mem = '256MB' AS $$
DECLARE
    number integer;
    partition text;
BEGIN
    SELECT period INTO number FROM tranter.periods
        WHERE ended_at < clock_timestamp() - rest AND indexed_at IS NULL
        ORDER BY period LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    partition := format('finished_jobs_%s', number);
    EXECUTE format(
        'CREATE INDEX %I ON tranter.%I(queue_id, finished_at, id)', partition || '_queue', partition);
    EXECUTE format(
        'CREATE INDEX %I ON tranter.%I USING gin(tranter.search_words('
        'queue_id, state, type, job_group, options, payload, result, failures)) '
        'WITH (fastupdate = off)', partition || '_words', partition);
    EXECUTE format('ANALYZE tranter.%I', partition);
    UPDATE tranter.periods SET indexed_at = clock_timestamp() WHERE period = number;
    RETURN number;
END
$$;

CREATE FUNCTION tranter.detach_period() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
    oldest tranter.periods;
    kept double precision;
    rows_max bigint := tranter.setting('history_rows_max', 10000000);
    age_max bigint := tranter.setting('history_age_max_s', 7776000);
BEGIN
    SELECT * INTO oldest FROM tranter.periods WHERE ended_at IS NOT NULL ORDER BY period LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(sum(greatest(c.reltuples, pg_stat_get_live_tuples(c.oid))), 0) INTO kept
        FROM tranter.periods p JOIN pg_class c
            ON c.oid = format('tranter.finished_jobs_%s', p.period)::regclass
        WHERE p.period > oldest.period;
    IF (rows_max = 0 OR kept < rows_max) AND (
        age_max = 0 OR oldest.ended_at > clock_timestamp() - age_max * interval '1 s')
    THEN
        RETURN NULL;
    END IF;
    DELETE FROM tranter.periods WHERE period = oldest.period;
    EXECUTE format(
        'ALTER TABLE tranter.finished_jobs DETACH PARTITION tranter.finished_jobs_%s',
        oldest.period);
    RETURN oldest.period;
EXCEPTION WHEN lock_not_available THEN
    RETURN NULL;
END
$$;

CREATE FUNCTION tranter.drop_period() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    detached text;
BEGIN
    SELECT relname INTO detached FROM pg_class
        WHERE relnamespace = 'tranter'::regnamespace AND relkind = 'r' AND NOT relispartition
            AND relname ~ '^finished_jobs_[0-9]+$'
        ORDER BY oid LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF EXISTS(SELECT FROM tranter.job_logs) THEN
        EXECUTE format(
            'DELETE FROM tranter.job_logs WHERE job_id IN (SELECT id FROM tranter.%I)', detached);
    END IF;
    EXECUTE format('DROP TABLE tranter.%I', detached);
    RETURN substr(detached, length('finished_jobs_') + 1)::integer;
END
$$;

CREATE FUNCTION tranter.forget_others() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    gone bigint;
    forgotten bigint := 0;
BEGIN
    DELETE FROM tranter.throttles WHERE (queue_id, dedup_key) IN (
        SELECT queue_id, dedup_key FROM tranter.throttles
        WHERE until < moment ORDER BY until LIMIT 10000 FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT;
    forgotten := forgotten + gone;
    DELETE FROM tranter.job_workers WHERE silent_from < moment - interval '1 hour' OR name IN (
        SELECT name FROM tranter.job_workers ORDER BY silent_from DESC OFFSET 10000);
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN forgotten + gone;
END
$$;
)sql";

}  // namespace

std::string_view maintenance_functions() {
    return maintenance_sql;
}

}  // namespace tranter::postgres_jobs
