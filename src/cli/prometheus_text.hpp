#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::cli {

/// The upper bound of each bucket (the last may be infinite) and how many values are not above it.
using CumulativeBuckets = std::vector<std::pair<double, double>>;

/// The histogram `name` in metrics as Prometheus reads them, by the value of its label. Lines that
/// are not understood are passed over.
std::map<std::string, CumulativeBuckets, std::less<>> read_histogram(
    std::string_view metrics, std::string_view name, std::string_view label
);

/// Below which the share (0 to 1) of the values lies that came between two readings, as far as the
/// buckets tell. `before` empty: since the beginning. Nothing when none came.
std::optional<double> percentile_between(
    const CumulativeBuckets& before, const CumulativeBuckets& now, double share
);

}  // namespace tranter::cli
