#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

namespace tranter::postgres_jobs {

Result<JobRecord> find_job(Store&, std::string_view) {
    return fail(Errc::unsupported, "find");
}

Result<LogPage> log_of_job(Store&, std::string_view) {
    return fail(Errc::unsupported, "log_of");
}

}  // namespace tranter::postgres_jobs
