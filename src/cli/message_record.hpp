#pragma once

#include "cli/json.hpp"
#include "cli/output.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tranter::cli {

/// A message as SQS hands it out, in the words that the command line prints: message_id, body,
/// receive_count, sent_at, group, dedup_id, sequence_number, dead_letter_source, attributes,
/// receipt_handle. What a message does not have is left out. `message send --ndjson` reads the
/// same.
Json message_record(const Json& message);

/// The columns of a table of messages; the body comes last, where it may be cut.
std::vector<Column> message_columns();

/// "2026-01-02T03:04:05.678Z"
std::string format_utc_millis(std::int64_t millis);

/// "name=value" or "name=value:Type" (String, Number, Binary, each also with ".label") as a member
/// of SQS `MessageAttributes`. A Binary value is base64.
[[nodiscard]] Result<JsonMember> parse_message_attribute(std::string_view text);

}  // namespace tranter::cli
