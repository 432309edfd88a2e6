#pragma once

#include "base/json_writer.hpp"

#include <tranter/job.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// Parts of jobs as JSON, the way include/tranter/payload.hpp reads them.
namespace tranter::jobs {

/// "90s"
void write_member(JsonWriter& json, std::string_view name, Milliseconds duration);
/// RFC 3339 in UTC; null for a time outside of the years 0 to 9999.
void write_member(JsonWriter& json, std::string_view name, TimePoint when);

/// Of text that others gave: as it is, or, when it is not UTF-8, as a line that can be shown.
std::string as_utf8(std::string_view text);

enum class Defaults : std::uint8_t { leave_out, write };

/// The members of an object that is begun, without the group.
void write_options(JsonWriter& json, const JobOptions& options, Defaults defaults);

/// "keep_latest"
std::string_view mode_name(DedupMode mode);

}  // namespace tranter::jobs
