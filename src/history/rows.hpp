#pragma once

#include "history/database.hpp"
#include "history/entry.hpp"
#include "history/figures.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tranter::history {

/// An id as it stands in the file: 'u' and the 16 bytes of a UUID in its usual form, or 't' and
/// any other text.
std::string encode_id(std::string_view id);
std::string decode_id(std::string_view bytes);

/// Attempts as [[attempt, microseconds, type, text], ...]: no member names, which a search in
/// errors would find. Keeps the last `attempt_errors_max`.
std::string encode_errors(const std::vector<AttemptError>& errors);
std::vector<AttemptError> decode_errors(std::string_view json);
std::string encode_tags(const std::vector<std::string>& tags);
std::vector<std::string> decode_tags(std::string_view json);

/// What a SELECT from `entry e` names so that read_entry understands its rows; the first is seq.
extern const std::string_view entry_columns;
JobEntry read_entry(const Statement& row);
/// Reads what stands in entry_log.
LogLines read_log(Database& database, Seq seq);

/// Writes the row and the log.
void insert_entry(
    Database& database, const JobEntry& entry, Seq seq, std::string_view id, const TallyKey& key
);

inline constexpr std::int64_t micros_per_minute = 60'000'000;
std::int64_t micros(Instant when);
Instant instant(std::int64_t micros);

}  // namespace tranter::history
