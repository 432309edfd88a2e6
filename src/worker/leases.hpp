#pragma once

#include "worker/backoff.hpp"
#include "worker/store_watch.hpp"
#include "worker/tally.hpp"
#include "worker/task.hpp"

#include <tranter/provider.hpp>

#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace tranter::worker {

/// Everything that this worker holds at the store: renews the leases, learns from that who was
/// cancelled or lost, and passes on what handlers report. keep(), report() and watch_ends() have a
/// thread each, so that no call to the store keeps another waiting that a lease depends on; the
/// other functions may be called from any.
class Leases {
  public:
    struct Config {
        Milliseconds lease{};
        std::size_t batch_max = 1;
    };
    Leases(Provider& provider, Config config, Tally& tally, StoreWatch& watch);

    /// Just received.
    void add(std::span<const std::shared_ptr<Task>> tasks);
    /// Settled, or given up.
    void remove(std::span<const std::shared_ptr<Task>> tasks);
    /// Its first run does, at Task::begun_at. When its lease had ended by then, which is so for all
    /// that waits here once we go on after having been stopped, it is lost, and nothing runs.
    void begins(Task& task);
    /// Nobody can settle it any more.
    bool has_ended(const Task& task) const;
    /// A moment from now, so that a handler that reports all the time does not occupy the store.
    void flush_soon(std::shared_ptr<Task> task);

    /// From now on nothing is renewed, so that what is held ends within a lease.
    void let_end();
    Milliseconds lease() const { return config_.lease; }

    /// Renews leases until `stop`.
    void keep(const std::stop_token& stop);
    /// Passes on what handlers report until `stop`. What is left then is told by who settles them.
    void report(const std::stop_token& stop);
    /// Stops what has lost its lease, until `stop`. Never waits for the store.
    void watch_ends(const std::stop_token& stop);

  private:
    using Tasks = std::vector<std::shared_ptr<Task>>;

    Tasks take_due(Moment now);
    void renew(const Tasks& tasks);
    /// Whether the store answered for all of them.
    bool renew_batch(std::span<const std::shared_ptr<Task>> batch);
    void renewed(
        const std::shared_ptr<Task>& task, const Result<Extended>& answer, Moment asked_at
    );
    void put_in_order(const Task& task);
    void forget(Task& task);
    void wait_for(
        std::unique_lock<std::mutex>& lock,
        const std::stop_token& stop,
        std::condition_variable_any& changed,
        Moment& wakes_at,
        Moment (Leases::*next)() const
    );
    Moment next_renewal() const;
    Moment next_end() const;

    Provider& provider_;
    const Config config_;
    Tally& tally_;
    StoreWatch& watch_;
    Backoff backoff_;  // only used by keep()

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::condition_variable_any end_changed_;
    std::condition_variable_any report_came_;
    // Guarded by mutex_:
    /// In the order in which they are to be renewed, which is that in which they end.
    std::list<std::shared_ptr<Task>> held_;
    Tasks to_flush_;
    Moment flush_at_{};
    Moment rest_until_{};  // the store does not answer
    bool let_end_ = false;
    Moment wakes_at_{};      // of keep(); {}: it does not wait
    Moment end_wakes_at_{};  // of watch_ends()
};

}  // namespace tranter::worker
