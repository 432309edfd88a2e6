#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

namespace tranter::postgres_jobs {

Result<std::vector<WorkerInfo>> all_workers(Store&) {
    return fail(Errc::unsupported, "workers");
}

void tell_that_worker_asks(Store&, const ReceiveRequest&) {}

void tell_of_workers(Store&, std::span<const std::string>) {}

}  // namespace tranter::postgres_jobs
