#pragma once

#include "base/time.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::telemetry {

/// Where a span belongs (W3C Trace Context).
struct TraceContext {
    std::array<std::uint8_t, 16> trace_id{};
    std::array<std::uint8_t, 8> span_id{};
    bool sampled = false;

    bool operator==(const TraceContext&) const = default;
};

/// Of a `traceparent` header; nothing when it is none.
std::optional<TraceContext> parse_traceparent(std::string_view header);
std::string to_traceparent(const TraceContext& context);
/// Of X-Ray, as SQS carries it in AWSTraceHeader: "Root=1-8hex-24hex;Parent=16hex;Sampled=0|1".
std::optional<TraceContext> parse_xray(std::string_view header);
std::string to_xray(const TraceContext& context);

/// One span, over.
struct Span {
    enum class Kind : std::uint8_t { producer = 4, client = 3, consumer = 5 };  // as in OTLP
    TraceContext context{};
    std::optional<std::array<std::uint8_t, 8>> parent{};
    std::vector<TraceContext> links{};
    std::string name{};
    Kind kind = Kind::client;
    Instant begin{};
    Instant end{};
    std::vector<std::pair<std::string, std::string>> attributes{};
    std::string error{};  // empty: it went well
};

}  // namespace tranter::telemetry
