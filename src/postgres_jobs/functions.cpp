#include "postgres_jobs/functions.hpp"

#include <array>

namespace tranter::postgres_jobs {

const std::string& functions_1() {
    static const std::string all = [] {
        std::string text;
        for (const std::string_view some :
             {queue_functions(),
              wakeup_functions(),
              enqueue_functions(),
              option_functions(),
              json_functions(),
              fetch_functions(),
              time_functions(),
              attempt_functions(),
              settle_functions(),
              manage_functions(),
              search_functions(),
              maintenance_functions()})
            text += some;
        // Some of them run as their owner.
        text += "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA tranter FROM PUBLIC;\n";
        return text;
    }();
    return all;
}

std::string_view functions_1_reversed() {
    return R"sql(
DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'tranter'::regnamespace
    LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', made);
    END LOOP;
END
$$;
)sql";
}

}  // namespace tranter::postgres_jobs
