#pragma once

#include <tranter/job.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Which trace a job belongs to, as it travels with it: W3C Trace Context, and X-Ray where SQS
/// carries that. What cannot be read is no context and no error: it comes from anybody.
namespace tranter::jobs {

/// Message attributes, and HTTP headers, of these names.
inline constexpr std::string_view traceparent_name = "traceparent";
inline constexpr std::string_view tracestate_name = "tracestate";
inline constexpr std::size_t tracestate_bytes_max = 512;

using TraceId = std::array<std::uint8_t, 16>;
using SpanId = std::array<std::uint8_t, 8>;

/// Where a span belongs. Neither id is all zeros.
struct TraceContext {
    TraceId trace_id{};
    SpanId span_id{};
    bool sampled = false;

    bool operator==(const TraceContext&) const = default;
};

/// Of versions after 00 what that one has, as the standard asks.
std::optional<TraceContext> parse_traceparent(std::string_view text);
/// Version 00.
std::string to_traceparent(const TraceContext& context);
/// "Root=1-8hex-24hex;Parent=16hex;Sampled=0|1", fields in any order and with others between them.
/// Nothing without a parent.
std::optional<TraceContext> parse_xray(std::string_view text);
std::string to_xray(const TraceContext& context);

/// Printable ASCII that a header may have as its value; not empty.
bool is_tracestate(std::string_view text);

/// What came with a message or a request: kept where it is well-formed and where the options say
/// nothing of their own.
void take_trace(JobOptions& options, std::string_view traceparent, std::string_view tracestate);

}  // namespace tranter::jobs
