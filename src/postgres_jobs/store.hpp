#pragma once

#include "postgres/pool.hpp"
#include "postgres_jobs/ends.hpp"
#include "postgres_jobs/events.hpp"
#include "postgres_jobs/known_queues.hpp"
#include "postgres_jobs/maintenance.hpp"
#include "postgres_jobs/notifications.hpp"
#include "postgres_jobs/shared_statements.hpp"
#include "postgres_jobs/sightings.hpp"
#include "postgres_jobs/wakeups.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

namespace tranter::postgres_jobs {

/// What the calls of one provider share. Thread-safe.
struct Store {
    Store(
        const postgres::Target& target,
        std::chrono::milliseconds poll_interval_in,
        SharedLimits shared = shared_limits
    )
        : pool(target, "the store of jobs"),
          notifications(target),
          poll_interval(poll_interval_in),
          wakeups(pool, notifications, poll_interval_in),
          ends(notifications),
          events(pool, target),
          enqueues(shared),
          completions(shared),
          maintainer(pool) {}
    ~Store() { close(); }
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// `unavailable` once it was closed.
    Result<> check_open() const {
        if (!closing.stop_requested()) return {};
        return fail(Errc::unavailable, "the store of jobs was closed");
    }

    /// Ends waits, for good.
    void close() {
        closing.request_stop();
        wakeups.close();
        ends.close();
        events.close();
        notifications.close();
        maintainer.close();
    }

    postgres::Pool pool;
    Notifications notifications;
    const std::chrono::milliseconds poll_interval;
    Wakeups wakeups;
    Ends ends;
    EventHub events;
    KnownQueues queues{};
    WorkerSightings sightings{};
    SharedCalls<SharedEnqueue> enqueues;
    SharedCalls<SharedCompletions> completions;
    Maintainer maintainer;
    std::atomic<std::uint64_t> hand_outs = 0;  // that gave jobs
    std::stop_source closing{};
};

}  // namespace tranter::postgres_jobs
