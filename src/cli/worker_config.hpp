#pragma once

#include "base/time.hpp"

#include <tranter/worker_queue.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tranter::cli {

/// What `tranter work` does, and how much of it. The members hold the defaults.
struct WorkerConfig {
    std::vector<WorkerQueue> queues{};
    QueueOrder queue_order = QueueOrder::weighted;
    std::uint32_t concurrency = 0;  ///< handlers at a time; 0: one per core
    /// Jobs of one group, in all workers where the provider can; 0: as it is.
    std::uint32_t group_concurrency = 0;
    std::uint32_t max_parallel_runs = 0;  ///< of one job, whatever it asks for; 0: no limit
    std::uint32_t batch = 256;            ///< jobs in one call to the store
    Duration poll_wait = std::chrono::seconds(20);
    Duration lease = std::chrono::seconds(30);
    Duration shutdown_timeout = std::chrono::seconds(30);
    std::string name{};  ///< for people; empty: host name and process id

    bool operator==(const WorkerConfig&) const = default;
};

/// How long to rest after a failed attempt. Nothing: as the job says.
struct RetryConfig {
    std::uint32_t max_attempts = 0;  ///< 0: as the job says, and then the rest of this too
    Duration base = std::chrono::seconds(2);
    double factor = 2;
    Duration max = std::chrono::hours(1);
    std::uint32_t jitter_percent = 25;

    bool operator==(const RetryConfig&) const = default;
};

/// What a handler's process may use; 0: as the worker.
struct HandlerLimits {
    std::uint64_t memory = 0;
    Duration cpu{};
    std::uint32_t open_files = 0;
    std::uint32_t processes = 0;

    bool operator==(const HandlerLimits&) const = default;
};

/// A table [handlers."TYPE"]. Exactly one of `exec`, `child` and `http` is set.
struct HandlerConfig {
    std::string type;  ///< of the jobs; "*" is every type without a handler of its own
    std::vector<std::string> exec{};
    std::vector<std::string> child{};
    std::string http{};

    Duration timeout{};  ///< of an attempt; 0: as the job says
    RetryConfig retry{};
    std::uint32_t runs = 0;  ///< parallel executions of one attempt; 0: as the job says
    std::uint32_t max_parallel_runs = 0;
    std::string success{};          ///< how many of them have to complete; empty: as the job says
    std::uint32_t concurrency = 0;  ///< jobs at a time in one worker; 0: no limit

    // exec and child
    std::string directory{};
    std::vector<std::string> pass_environment{};
    std::map<std::string, std::string> environment{};
    HandlerLimits limits{};
    Duration grace = std::chrono::seconds(5);

    // child
    std::uint32_t processes = 0;  ///< 0: as many as the worker's concurrency
    std::uint32_t max_jobs = 0;   ///< of one process, which is then replaced; 0: no limit
    std::uint64_t max_memory = 0;
    Duration heartbeat_timeout{};

    // http
    std::map<std::string, std::string> headers{};
    std::vector<std::string> secrets{};  ///< whsec_...
    std::vector<std::string> allow_addresses{};

    bool operator==(const HandlerConfig&) const = default;
};

}  // namespace tranter::cli
