#pragma once

#include "base/time.hpp"
#include "jobs/trace_context.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tranter::telemetry {

using jobs::SpanId;
using jobs::TraceContext;
using jobs::TraceId;

using SpanAttribute = std::pair<std::string, std::variant<std::string, std::int64_t>>;

/// One span, over.
struct Span {
    enum class Kind : std::uint8_t { client = 3, producer = 4, consumer = 5 };  // as in OTLP

    TraceContext context{};
    std::string trace_state{};
    std::optional<SpanId> parent{};
    std::vector<TraceContext> links{};
    std::string name{};
    Kind kind = Kind::client;
    Instant begin{};
    Instant end{};
    std::vector<SpanAttribute> attributes{};
    bool failed = false;
    std::string error{};  // of one that failed, for people; may be empty
};

}  // namespace tranter::telemetry
