#pragma once

#include "admin/storage.hpp"
#include "broker/broker.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
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

struct MetricsSources {
    std::string version{};
    std::function<std::size_t()> connections{};
    std::function<std::vector<RequestCount>()> requests{};
    StorageSources storage{};
};

/// Everything `/metrics` shows, in O(queues). Each queue is locked for the time of a few counters.
std::string render_metrics(broker::Broker& broker, const MetricsSources& sources, Instant started);

}  // namespace tranter::admin
