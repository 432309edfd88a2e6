#pragma once

#include <tranter/job.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace tranter::jobs {

/// What became of the jobs that were received to be forwarded, and how both stores are.
struct ForwardingFigures {
    std::uint64_t forwarded = 0;
    std::uint64_t duplicates = 0;  // the target had them already
    std::uint64_t refused = 0;     // the target will never take them
    std::uint64_t failed = 0;      // the target did not take them this time
    std::uint64_t lost = 0;        // the lease had ended before it was settled: they come again
    std::uint64_t released = 0;    // given back at a stop
    bool source_answers = true;
    bool target_answers = true;
    std::string source_error{};  // the last one; may be over since
    std::string target_error{};
    std::optional<TimePoint> source_error_at{};
    std::optional<TimePoint> target_error_at{};
};

}  // namespace tranter::jobs
