#include "postgres_jobs/wakeups.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace tranter::postgres_jobs {

Wakeups::Wakeups(
    postgres::Pool& pool, postgres::Target target, std::chrono::milliseconds poll_interval
)
    : pool_(pool), target_(std::move(target)), poll_interval_(poll_interval) {}

Wakeups::~Wakeups() = default;

Result<std::vector<ReceivedJob>> Wakeups::receive(
    std::int32_t, Milliseconds wait, const std::stop_token& stop, const LookForJobs& look
) {
    const auto until = Clock::now() + wait;
    std::mutex mutex;
    std::condition_variable_any ended;
    while (true) {
        auto found = look(0);
        if (!found) return std::unexpected(found.error());
        if (!found->jobs.empty() || stop.stop_requested() || Clock::now() >= until) {
            return std::move(found->jobs);
        }
        std::unique_lock lock(mutex);
        const auto pause = std::min(poll_interval_, std::chrono::milliseconds(20));
        ended.wait_for(lock, stop, pause, [] { return false; });
    }
}

void Wakeups::close() {}

}  // namespace tranter::postgres_jobs
