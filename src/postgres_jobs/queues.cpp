#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

namespace tranter::postgres_jobs {

Result<std::vector<QueueStats>> all_queues(Store&) {
    return fail(Errc::unsupported, "queues");
}

Result<QueueStats> stats_of_queue(Store&, std::string_view) {
    return fail(Errc::unsupported, "stats");
}

Result<> set_paused(Store&, std::string_view, bool) {
    return fail(Errc::unsupported, "set_paused");
}

Result<> set_limits(Store&, std::string_view, const QueueLimits&) {
    return fail(Errc::unsupported, "set_limits");
}

}  // namespace tranter::postgres_jobs
