#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

namespace tranter::postgres_jobs {

Result<Cancelled> cancel_job(Store&, std::string_view) {
    return fail(Errc::unsupported, "cancel");
}

Result<> retry_job(Store&, std::string_view) {
    return fail(Errc::unsupported, "retry");
}

Result<> promote_job(Store&, std::string_view) {
    return fail(Errc::unsupported, "promote");
}

Result<> remove_job(Store&, std::string_view) {
    return fail(Errc::unsupported, "remove");
}

}  // namespace tranter::postgres_jobs
