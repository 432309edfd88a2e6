#include "postgres_jobs/events.hpp"

namespace tranter::postgres_jobs {

Result<std::shared_ptr<void>> EventHub::subscribe(Provider::Listener) {
    return fail(Errc::unsupported, "events of the store of jobs in PostgreSQL");
}

}  // namespace tranter::postgres_jobs
