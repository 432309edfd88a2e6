#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {

// Two processes may make a queue at the same time: one of them then finds that it is there. A name
// that ends in -dlq has no dead-letter queue of its own.
std::string_view queue_functions() {
    return R"sql(
CREATE FUNCTION tranter.queue_of(queue_name text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id integer;
BEGIN
    SELECT id INTO found_id FROM tranter.queues WHERE name = queue_name;
    IF FOUND THEN
        RETURN found_id;
    END IF;
    INSERT INTO tranter.queues(name) VALUES(queue_name) ON CONFLICT (name) DO NOTHING
        RETURNING id INTO found_id;
    IF NOT FOUND THEN
        SELECT id INTO found_id FROM tranter.queues WHERE name = queue_name;
    END IF;
    INSERT INTO tranter.queue_hints(queue_id) VALUES(found_id) ON CONFLICT DO NOTHING;
    RETURN found_id;
END
$$;
)sql";
}

}  // namespace tranter::postgres_jobs
