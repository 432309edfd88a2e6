#pragma once

#include "admin/exposition.hpp"
#include "admin/storage.hpp"
#include "broker/broker.hpp"
#include "jobs/queue_metrics.hpp"

#include <tranter/span_counts.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::admin {

/// Requests that a front end has answered.
struct RequestCount {
    std::string_view action;
    std::string_view code;  // "OK" or the error's code
    std::uint64_t count = 0;
};

/// How long answers to one action took.
struct RequestDurations {
    std::string_view action;
    std::span<const double> bounds;
    std::vector<std::uint64_t> counts;  // between two bounds, one more than there are bounds
    double sum = 0;
};

struct MetricsSources {
    std::string version{};
    std::function<std::size_t()> connections{};
    std::function<std::vector<RequestCount>()> requests{};
    std::function<std::vector<RequestDurations>()> durations{};
    std::function<std::vector<JobQueueMetrics>()> jobs{};
    /// Nothing when none is kept.
    std::function<std::optional<HistoryCounts>()> history{};
    std::function<std::optional<SpanCounts>()> spans{};
    StorageSources storage{};
};

/// Everything `/metrics` shows, in O(queues). Each queue is locked for the time of a few counters.
void render_metrics(
    Exposition& out, broker::Broker& broker, const MetricsSources& sources, Instant started
);

}  // namespace tranter::admin
