#pragma once

#include <tranter/worker_metrics.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// What a store knows of its jobs, since it was opened; the store's side of worker_metrics.hpp.
namespace tranter {

struct JobTypeCounts {
    std::string type{};  // "other" for all types beyond the first 200 of the store
    std::uint64_t enqueued = 0;
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;  // attempts
    std::uint64_t dead = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t stalled = 0;  // leases that ended before the worker said anything
};

struct JobQueueMetrics {
    std::string queue{};
    std::vector<JobTypeCounts> types{};  // by type
    DurationBuckets queue_latency{};     // from when a job was due until a worker received it
};

/// What became of finished jobs on their way into the history.
struct HistoryCounts {
    std::uint64_t written = 0;
    std::uint64_t dropped = 0;      // the disk did not keep up
    std::uint64_t outnumbered = 0;  // more newer ones of their queue came than are kept
    std::uint64_t refused = 0;      // by the store; the log says why
    std::size_t waiting = 0;
};

}  // namespace tranter
