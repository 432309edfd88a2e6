#include "jobs/state_name.hpp"
#include "postgres_jobs/calls.hpp"
#include "postgres_jobs/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace tranter::postgres_jobs {
namespace {

constexpr postgres::Statement wish_for_end(
    "UPDATE tranter.jobs SET waited = true WHERE id = $1 AND NOT waited"
);

// Its lease or deadline may end while nobody looks for jobs of its queue. In how many microseconds
// the next one does, NULL: none is known.
constexpr postgres::Statement let_its_time_pass(
    "SELECT tranter.let_time_pass(queue_id) FROM tranter.jobs WHERE id = $1"
);

// Between looks while nobody can tell.
constexpr std::chrono::milliseconds first_pause(20);
constexpr std::chrono::milliseconds longest_pause_for_end(1'000);

/// In how long to do so again.
Result<std::chrono::milliseconds> let_time_pass_for(Store& store, const std::string& id) {
    constexpr std::chrono::hours a_day(24);
    return store.pool.once(
        [&](postgres::Connection& connection) -> Result<std::chrono::milliseconds> {
            const std::array<postgres::Parameter, 1> parameters{id};
            const auto rows = connection.execute(let_its_time_pass, parameters);
            if (rows.empty() || rows.is_null(0, 0)) return a_day;
            const std::chrono::microseconds next(rows.integer(0, 0));
            return std::chrono::ceil<std::chrono::milliseconds>(
                std::clamp<std::chrono::microseconds>(next, first_pause, a_day)
            );
        }
    );
}

}  // namespace

Result<JobRecord> wait_for_job(Store& store, std::string_view id, Milliseconds timeout) {
    constexpr std::chrono::hours longest(24 * 365);
    const auto until = Ends::Clock::now() + std::min<Milliseconds>(timeout, longest);
    auto job = find_job(store, id);
    if (!job || jobs::is_finished(job->state)) return job;
    Ends::Wait wait(store.ends, job->id);
    std::uint64_t wished_in = 0;
    auto pause = first_pause;
    while (true) {
        // The wish is kept with the job, but what was said while nobody listened was not heard.
        const std::uint64_t session = store.ends.session();
        if (session != 0 && session != wished_in) {
            const auto wished = store.pool.read([&](postgres::Connection& connection) -> Result<> {
                const std::array<postgres::Parameter, 1> parameters{job->id};
                connection.execute(wish_for_end, parameters);
                return {};
            });
            if (!wished) return std::unexpected(wished.error());
            wished_in = session;
        }
        const auto next = let_time_pass_for(store, job->id);
        if (!next) return std::unexpected(next.error());
        job = find_job(store, id);
        if (!job || jobs::is_finished(job->state)) return job;
        if (store.ends.is_closed()) {
            return fail(Errc::unavailable, "the store of jobs was closed");
        }
        const auto now = Ends::Clock::now();
        if (now >= until) {
            return fail(
                Errc::timed_out,
                fmt::format("job {} did not finish within {}ms", job->id, timeout.count())
            );
        }
        const auto rest = std::min(session != 0 ? store.poll_interval : pause, *next);
        pause = std::min(pause * 2, longest_pause_for_end);
        wait.sleep(std::min(until, now + rest));
    }
}

}  // namespace tranter::postgres_jobs
