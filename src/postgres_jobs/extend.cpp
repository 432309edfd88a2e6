#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

namespace tranter::postgres_jobs {

Result<std::vector<Result<Extended>>> extend_leases(
    Store&, std::string_view, std::span<const std::string>, Milliseconds
) {
    return fail(Errc::unsupported, "extend");
}

}  // namespace tranter::postgres_jobs
