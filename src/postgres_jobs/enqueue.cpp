#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

namespace tranter::postgres_jobs {

Result<std::vector<Enqueued>> enqueue_jobs(
    Store&, std::string_view, std::span<const NewJob>
) {
    return fail(Errc::unsupported, "enqueue");
}

}  // namespace tranter::postgres_jobs
