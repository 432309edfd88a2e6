#pragma once

#include "base/time.hpp"
#include "telemetry/span.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tranter::telemetry {

/// Which traces are exported.
struct Sampler {
    /// Of a trace that begins here, the share that is; 1: all.
    double ratio = 1;
    /// A trace that comes from elsewhere is where it was decided; false: decided here as well.
    bool parent_based = true;

    bool samples_root(const TraceId& id) const;
    /// `parent` is null for a trace that begins here.
    bool samples(const TraceId& id, const TraceContext* parent) const;
};

/// What the variables of OpenTelemetry say.
struct Settings {
    std::string url{};  // with /v1/traces
    std::vector<std::pair<std::string, std::string>> headers{};
    std::vector<std::pair<std::string, std::string>> resource{};  // with service.name
    Sampler sampler{};
    Duration timeout = std::chrono::seconds(10);  // of one request
    Duration batch_delay = std::chrono::seconds(5);
    std::size_t queue_max = 2048;
    std::size_t batch_max = 512;
};

using Getenv = std::function<const char*(const char* name)>;

/// Nothing when they name no endpoint or switch tracing off. Logs what cannot be read.
std::optional<Settings> read_settings(const Getenv& getenv);

}  // namespace tranter::telemetry
