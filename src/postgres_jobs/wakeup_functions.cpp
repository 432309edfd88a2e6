#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {
namespace {

// Notifications make commits wait for each other, so they are only sent while somebody sleeps and
// wishes it (queue_hints.wanted). Nobody must be missed:
//   tell_sleepers  holds a shared lock of the queue until the transaction ends, and reads the wish
//                  only after it has the lock, in a new snapshot. It does not matter whether that
//                  is before or after the jobs were written.
//   sleep_on       wishes, and tries to get the same lock alone. It never waits for it, as who has
//                  it may wait for the row of the wish. If it gets it, nobody is under way who will
//                  not read the wish, and a look for jobs that follows sees all that were put there
//                  without a notification (queue_hints.sure), or one from the beginning does soon,
//                  where not all look from there (look_start.hpp). If not, whoever sleeps has to
//                  look again every now and then until it does.
//   forget_wish    takes the wish of an epoch back that was heard. Everybody who wished for it
//                  hears it too, and whoever wishes later begins another epoch.
// Functions of SQL are planned at each call, those of plpgsql at a few.
// In a transaction that does not see what others commit meanwhile it is always said, as epoch 0.
constexpr std::string_view wakeup_sql = R"sql(
CREATE FUNCTION tranter.tell_sleepers(of_queue integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    -- An expression alone is cheaper than a statement.
    is_locked boolean := pg_advisory_xact_lock_shared(1416779636, of_queue) IS NOT NULL;
    wish tranter.queue_hints;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM pg_notify('tranter_jobs', of_queue || ':0');
        RETURN;
    END IF;
    SELECT * INTO wish FROM tranter.queue_hints WHERE queue_id = of_queue;
    IF wish.wanted THEN
        PERFORM pg_notify('tranter_jobs', of_queue || ':' || wish.epoch);
    END IF;
END
$$;

CREATE FUNCTION tranter.forget_wish(of_queue integer, heard bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE tranter.queue_hints SET wanted = false, sure = false
        WHERE queue_id = of_queue AND epoch = heard AND wanted;
END
$$;

CREATE FUNCTION tranter.sleep_on(
    of_queue integer, heard bigint, OUT wished bigint, OUT is_sure boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wish tranter.queue_hints;
BEGIN
    SELECT * INTO wish FROM tranter.queue_hints WHERE queue_id = of_queue;
    IF wish.wanted AND wish.sure AND wish.epoch > heard THEN
        wished := wish.epoch;
        is_sure := true;
        RETURN;
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO tranter.queue_hints(queue_id) VALUES(of_queue) ON CONFLICT DO NOTHING;
    SELECT * INTO wish FROM tranter.queue_hints WHERE queue_id = of_queue FOR UPDATE;
    is_sure := pg_try_advisory_xact_lock(1416779636, of_queue);
    IF NOT wish.wanted OR wish.epoch <= heard THEN
        wished := greatest(wish.epoch, heard) + 1;
        UPDATE tranter.queue_hints SET wanted = true, sure = is_sure, epoch = wished
            WHERE queue_id = of_queue;
        RETURN;
    END IF;
    wished := wish.epoch;
    IF is_sure AND NOT wish.sure THEN
        UPDATE tranter.queue_hints SET sure = true WHERE queue_id = of_queue;
    END IF;
    is_sure := is_sure OR wish.sure;
END
$$;

-- Who tells of a job, while somebody has asked for it within the last minute: after its row was
-- written. Several events go in one notification, which may have 7,999 bytes.
CREATE FUNCTION tranter.is_observed() RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS(
        SELECT FROM tranter.job_settings
        WHERE name = 'observed_until' AND value::timestamptz > statement_timestamp());
END
$$;

CREATE FUNCTION tranter.tell_events(ids uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    event text;
    events text := '';
BEGIN
    IF NOT tranter.is_observed() THEN
        RETURN;
    END IF;
    FOR event IN
        SELECT json_build_object(
            'number', 0,
            'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'id', job.id, 'queue', queues.name, 'type', job.type, 'state', job.state,
            'attempt', job.attempt)
        FROM unnest(ids) WITH ORDINALITY told(id, place)
            CROSS JOIN LATERAL (
                SELECT id, coalesce(home_id, queue_id) AS queue_id, type, attempt,
                    CASE WHEN state = 2 THEN 'processing' WHEN home_id IS NOT NULL THEN 'dead'
                        WHEN failed THEN 'failed' WHEN state = 1 THEN 'scheduled'
                        ELSE 'pending' END AS state
                FROM tranter.jobs WHERE id = told.id
                UNION ALL
                SELECT id, queue_id, type, attempt,
                    CASE state WHEN 3 THEN 'completed' WHEN 5 THEN 'dead' ELSE 'cancelled' END
                FROM tranter.finished_jobs WHERE id = told.id) job
            JOIN tranter.queues ON queues.id = job.queue_id
        ORDER BY told.place
    LOOP
        IF octet_length(events) + octet_length(event) > 7900 THEN
            PERFORM pg_notify('tranter_events', events);
            events := '';
        END IF;
        events := events || event || E'\n';
    END LOOP;
    IF events <> '' THEN
        PERFORM pg_notify('tranter_events', events);
    END IF;
END
$$;
)sql";

}  // namespace

std::string_view wakeup_functions() {
    return wakeup_sql;
}

}  // namespace tranter::postgres_jobs
