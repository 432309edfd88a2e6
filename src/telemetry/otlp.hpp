#pragma once

#include "telemetry/settings.hpp"
#include "telemetry/span.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tranter::telemetry {

/// The body of an ExportTraceServiceRequest as OTLP/HTTP has it in JSON: ids are hexadecimal, and
/// integers of 64 bits are text.
std::string to_otlp(const Settings& settings, std::span<const Span> spans);

/// How many spans a collector says that it did not keep, in the body of its answer; 0 for what
/// cannot be read.
std::uint64_t rejected_spans(std::string_view answer);

}  // namespace tranter::telemetry
