#pragma once

#include "postgres/pool.hpp"
#include "postgres_jobs/events.hpp"
#include "postgres_jobs/known_queues.hpp"
#include "postgres_jobs/sightings.hpp"
#include "postgres_jobs/wakeups.hpp"

#include <atomic>
#include <chrono>
#include <stop_token>
#include <string>

namespace tranter::postgres_jobs {

/// What the calls of one provider share. Thread-safe.
struct Store {
    Store(const postgres::Target& target, std::chrono::milliseconds poll_interval)
        : pool(target, "the store of jobs"),
          wakeups(pool, target, poll_interval),
          events(wakeups) {}

    /// `unavailable` once it was closed.
    Result<> check_open() const {
        if (!closing.stop_requested()) return {};
        return fail(Errc::unavailable, "the store of jobs was closed");
    }

    postgres::Pool pool;
    Wakeups wakeups;
    EventHub events;
    KnownQueues queues{};
    WorkerSightings sightings{};
    std::stop_source closing{};
};

}  // namespace tranter::postgres_jobs
