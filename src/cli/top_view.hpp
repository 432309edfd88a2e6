#pragma once

#include "base/time.hpp"
#include "cli/fitted_table.hpp"
#include "cli/json.hpp"
#include "cli/prometheus_text.hpp"

#include <tranter/provider.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tranter::cli {

/// What a store says of its queues and workers at one moment.
struct TopSample {
    Instant at{};
    std::vector<QueueStats> queues{};
    bool counts = true;  // what has been completed and has failed, too
    std::optional<std::vector<WorkerInfo>> workers{};  // nothing: the store does not know them
    /// From when a job was due until it was received, in seconds, by queue; empty: not known.
    std::map<std::string, CumulativeBuckets, std::less<>> latencies{};
};

/// What `tranter top` says of one queue.
struct TopQueue {
    QueueStats stats{};
    // In a second, between two samples. Nothing: not known.
    std::optional<double> enqueued{};
    std::optional<double> completed{};
    std::optional<double> failed{};
    // In seconds, between two samples, or since the server began when nothing came between them.
    std::optional<double> latency_p50{};
    std::optional<double> latency_p95{};
    std::optional<double> latency_p99{};
};

/// The worst first: whose oldest job has waited the longest, then by what waits, then by name.
std::vector<TopQueue> top_queues(const TopSample& before, const TopSample& now);

/// A line that sums up, the queues, and the workers; each a line of at most so many columns.
std::vector<std::string> top_lines(
    const TopSample& before, const TopSample& now, const TableRoom& room
);

/// {"at", "queues": [...], "workers": [...] or null}
Json top_json(const TopSample& before, const TopSample& now);

}  // namespace tranter::cli
