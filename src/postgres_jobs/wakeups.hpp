#pragma once

#include "postgres/pool.hpp"
#include "postgres_jobs/notifications.hpp"

#include <tranter/provider.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

namespace tranter::postgres_jobs {

/// What a look for jobs of a queue found.
struct Look {
    std::vector<ReceivedJob> jobs{};
    /// In how long to look again though nobody says anything: when the next scheduled job is due, a
    /// lease or a deadline ends. None: nothing is known to come. 0: something is due, and others
    /// hold it, so the rests between looks grow.
    std::optional<std::chrono::milliseconds> next{};
};
/// Looks for jobs. `heard` is the epoch of the notification that made us look, 0 for none: the
/// wish to be notified that it answers is to be taken back with the same round trip (in SQL
/// `tranter.forget_wish(queue_id, heard)`).
using LookForJobs = std::function<Result<Look>(std::int64_t heard)>;

/// Receives that wait for jobs. They sleep until the database says that there are some, something
/// is due, or the poll interval is over, which is all there is where nothing can be heard. Those of
/// one queue in one process have one wish to be notified, one of them looks at a time, and wakes
/// the next when it found something.
///
/// Whoever puts jobs in a queue calls tranter.tell_sleepers(queue_id) in the same transaction; see
/// wakeup_functions.cpp for why nobody is missed. Thread-safe.
class Wakeups {
  public:
    using Clock = std::chrono::steady_clock;

    /// References: outlive this.
    Wakeups(
        postgres::Pool& pool, Notifications& notifications, std::chrono::milliseconds poll_interval
    );
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
    using Lock = std::unique_lock<std::mutex>;

    struct Sleeper {
        std::condition_variable_any changed{};
        bool woken = false;  // to look
        bool poked = false;  // to think again about how long to sleep
    };
    /// The receives of one queue.
    struct Place {
        std::deque<Sleeper*> sleepers{};  // the first one watches the clock for all
        bool owed = false;                // something may be there, and nobody has looked since
        bool is_wishing = false;          // one of them talks with the database about the wish
        std::int64_t wished = 0;          // the epoch for which we are to be notified; 0: none
        std::uint64_t session = 0;        // of notifications, in which we wished that
        std::int64_t heard = 0;           // the newest epoch
        std::int64_t unanswered = 0;      // one that no look has taken back yet
        std::chrono::milliseconds pause{};
        std::chrono::milliseconds rest{};  // between looks, while others hold what is due
        Clock::time_point looked{};
        std::optional<Clock::time_point> next{};
    };
    /// When a receive ends though it found nothing.
    struct End {
        Clock::time_point until{};
        const std::stop_token& stop;
    };
    enum class Wish : std::uint8_t { none, made, uncertain };

    Place& place_of(std::int32_t queue_id);
    void hear(std::string_view payload);
    void listen_again();

    bool is_over(const End& end) const;
    bool is_in_force(const Place& place) const;
    /// Makes sure that we are notified. Not locked while it asks the database.
    Result<Wish> wish(std::int32_t queue_id, Place& place, Lock& lock);
    void sleep(
        Place& place, const End& end, std::optional<std::chrono::milliseconds> pause, Lock& lock
    );
    Clock::time_point alarm_of(const Place& place) const;
    /// Somebody else has to look from now on.
    static void leave(Place& place, bool owed);
    static void wake_one(Place& place);

    postgres::Pool& pool_;
    Notifications& notifications_;
    const std::chrono::milliseconds poll_interval_;
    std::mutex mutex_;

    // guarded by mutex_
    std::map<std::int32_t, Place> places_{};  // those that were ever asked for
    bool closed_ = false;
};

}  // namespace tranter::postgres_jobs
