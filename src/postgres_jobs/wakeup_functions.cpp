#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {

// Notifications make commits wait for each other, so they are only sent while somebody sleeps and
// wishes it (queue_hints.wanted). Nobody must be missed:
//   tell_sleepers  holds a shared lock of the queue until the transaction ends, and reads the wish
//                  only after it has the lock, in a new snapshot. It does not matter whether that is
//                  before or after the jobs were written.
//   sleep_on       wishes, and looks whether it gets the same lock alone. If so, nobody is under
//                  way who has not read the wish, and a look for jobs that follows sees all that
//                  were put there without a notification (queue_hints.sure). If not, whoever sleeps
//                  has to look again every now and then until it does.
//   forget_wish    takes the wish of an epoch back that was heard: everybody who wished for it hears
//                  it too, and whoever wishes later begins another epoch.
// In a transaction that does not see what others commit meanwhile it is always said, as epoch 0.
std::string_view wakeup_functions() {
    return R"sql(
CREATE FUNCTION tranter.tell_sleepers(of_queue integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wish tranter.queue_hints%ROWTYPE;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1416779636, of_queue);
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
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE tranter.queue_hints SET wanted = false, sure = false
        WHERE queue_id = of_queue AND epoch = heard AND wanted;
$$;

CREATE FUNCTION tranter.sleep_on(
    of_queue integer, heard bigint, OUT wished bigint, OUT is_sure boolean
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT epoch, sure INTO wished, is_sure FROM tranter.queue_hints
        WHERE queue_id = of_queue AND wanted AND epoch > heard;
    IF is_sure THEN
        RETURN;
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    IF wished IS NULL THEN
        INSERT INTO tranter.queue_hints AS hints(queue_id, wanted, epoch) VALUES(of_queue, true, 1)
            ON CONFLICT (queue_id) DO UPDATE
            SET wanted = true, sure = false, epoch = greatest(hints.epoch, heard) + 1
            RETURNING epoch INTO wished;
        is_sure := false;
        RETURN;
    END IF;
    IF pg_try_advisory_xact_lock(1416779636, of_queue) THEN
        UPDATE tranter.queue_hints SET sure = true
            WHERE queue_id = of_queue AND wanted AND epoch = wished;
        is_sure := FOUND;
    END IF;
END
$$;
)sql";
}

}  // namespace tranter::postgres_jobs
