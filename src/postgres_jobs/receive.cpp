#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

namespace tranter::postgres_jobs {

Result<std::vector<ReceivedJob>> receive_jobs(Store&, const ReceiveRequest&) {
    return fail(Errc::unsupported, "receive");
}

}  // namespace tranter::postgres_jobs
