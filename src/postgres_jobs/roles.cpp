#include "postgres_jobs/roles.hpp"

#include <string>

namespace tranter::postgres_jobs {
namespace {

constexpr std::string_view make_roles = R"sql(
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['tranter_worker', 'tranter_producer', 'tranter_readonly']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END
$$;
)sql";

// Only roles that are there, so that a migration can run it whether or not they are used. Functions
// of adopted tables are triggers, which nobody calls.
constexpr std::string_view make_grants = R"sql(
DO $$
DECLARE
    made record;
BEGIN
    REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA tranter FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tranter_worker') THEN
        GRANT USAGE ON SCHEMA tranter TO tranter_worker;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tranter TO tranter_worker;
        REVOKE INSERT, UPDATE, DELETE ON tranter.schema_versions FROM tranter_worker;
        ALTER DEFAULT PRIVILEGES IN SCHEMA tranter
            GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tranter_worker;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tranter_readonly') THEN
        GRANT USAGE ON SCHEMA tranter TO tranter_readonly;
        GRANT SELECT ON ALL TABLES IN SCHEMA tranter TO tranter_readonly;
        ALTER DEFAULT PRIVILEGES IN SCHEMA tranter GRANT SELECT ON TABLES TO tranter_readonly;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tranter_producer') THEN
        GRANT USAGE ON SCHEMA tranter TO tranter_producer;
    END IF;
    FOR made IN
        SELECT oid::regprocedure AS signature, prosecdef AS as_owner,
            proname IN ('enqueue', 'enqueue_many', 'enqueue_answered') AS enqueues
        FROM pg_catalog.pg_proc
        WHERE pronamespace = 'tranter'::regnamespace AND proname !~ '^adopted_'
    LOOP
        IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tranter_worker') THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO tranter_worker', made.signature);
        END IF;
        -- What does not run as its owner can do no more than the reader himself.
        IF NOT made.as_owner
            AND EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tranter_readonly') THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO tranter_readonly', made.signature);
        END IF;
        IF made.enqueues
            AND EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tranter_producer') THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO tranter_producer', made.signature);
        END IF;
    END LOOP;
END
$$;
)sql";

}  // namespace

std::string_view role_statements() {
    static const std::string all = std::string(make_roles) + std::string(make_grants);
    return all;
}

std::string_view grant_statements() {
    return make_grants;
}

}  // namespace tranter::postgres_jobs
