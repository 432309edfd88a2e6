#pragma once

#include "load/options.hpp"
#include "load/protocol.hpp"

#include <cstdint>
#include <vector>

namespace tranter::bench {

struct StartSample {
    std::vector<double> milliseconds;  // exec to the first answer, of each start, sorted
    std::uint64_t idle_rss{};          // bytes, of the last start, a moment after its first answer
};

/// Starts the command again and again and measures the time to its first answered request. Throws
/// std::runtime_error when the command cannot be started or does not answer in ten seconds.
[[nodiscard]] StartSample measure_starts(const Options& options, const Protocol& protocol);

}  // namespace tranter::bench
