#pragma once

#include "load/options.hpp"
#include "load/protocol.hpp"
#include "load/usage.hpp"

#include <cstdint>
#include <string>

namespace tranter::bench {

struct IdleSample {
    double seconds{};
    std::uint64_t renewed{};  // polls that ended empty and were asked again
    std::uint64_t errors{};
    std::string first_error;
    Usage before;  // of the server, once all polls wait
    Usage after;
};

/// Holds one long poll per connection on an empty queue, asks again when one ends, and measures
/// what the server spends on that.
[[nodiscard]] IdleSample hold_idle_polls(const Options& options, const Protocol& protocol);

}  // namespace tranter::bench
