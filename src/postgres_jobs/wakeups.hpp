#pragma once

#include "postgres/pool.hpp"
#include "postgres/target.hpp"

#include <tranter/provider.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

namespace tranter::postgres_jobs {

/// What a look for jobs of a queue found.
struct Look {
    std::vector<ReceivedJob> jobs{};
    /// In how long to look again though nobody says anything: when the next scheduled job is due, a
    /// lease or a deadline ends. None: nothing is known to come.
    std::optional<std::chrono::milliseconds> next{};
};
/// Looks for jobs. `heard` is the epoch of the notification that made us look, 0 for none: the
/// wish to be notified that it answers is to be taken back with the same round trip (in SQL
/// `tranter.forget_wish(queue_id, heard)`).
using LookForJobs = std::function<Result<Look>(std::int64_t heard)>;

/// Who waits for the database to say something, and what it says, on one connection and one thread
/// that are begun at the first use. Without notifications (a pooler that pools transactions, a
/// connection that is lost) everybody who waits looks each poll interval, and the log says so once.
///
/// Whoever puts jobs in a queue calls tranter.tell_sleepers(queue_id) in the same transaction; see
/// wakeup_functions.cpp for why nobody is missed. Thread-safe.
class Wakeups {
  public:
    using Clock = std::chrono::steady_clock;

    Wakeups(postgres::Pool& pool, postgres::Target target, std::chrono::milliseconds poll_interval);
    ~Wakeups();
    Wakeups(const Wakeups&) = delete;
    Wakeups& operator=(const Wakeups&) = delete;

    /// Looks until there are jobs, `wait` is over or `stop` ends it. `queue_id` is that of the
    /// database. `unavailable` after close(), and whatever `look` fails with.
    Result<std::vector<ReceivedJob>> receive(
        std::int32_t queue_id,
        Milliseconds wait,
        const std::stop_token& stop,
        const LookForJobs& look
    );

    /// Ends all waits, for good.
    void close();

  private:
    postgres::Pool& pool_;
    const postgres::Target target_;
    const std::chrono::milliseconds poll_interval_;
};

}  // namespace tranter::postgres_jobs
