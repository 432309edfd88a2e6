#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

namespace tranter::postgres_jobs {

Result<JobRecord> wait_for_job(Store&, std::string_view, Milliseconds) {
    return fail(Errc::unsupported, "wait");
}

}  // namespace tranter::postgres_jobs
