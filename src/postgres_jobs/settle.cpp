#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

namespace tranter::postgres_jobs {

Result<std::vector<Result<>>> settle_jobs(Store&, std::string_view, std::span<const Settlement>) {
    return fail(Errc::unsupported, "settle");
}

}  // namespace tranter::postgres_jobs
