#pragma once

#include <cstdint>

namespace tranter {

/// What became of spans since they are made.
struct SpanCounts {
    std::uint64_t exported = 0;
    std::uint64_t dropped = 0;  // the queue was full
    std::uint64_t failed = 0;   // the collector did not take them
    std::uint64_t waiting = 0;  // in the queue

    bool operator==(const SpanCounts&) const = default;
};

}  // namespace tranter
