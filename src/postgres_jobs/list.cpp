#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

namespace tranter::postgres_jobs {

Result<JobPage> list_jobs(Store&, const ListRequest&) {
    return fail(Errc::unsupported, "list");
}

}  // namespace tranter::postgres_jobs
