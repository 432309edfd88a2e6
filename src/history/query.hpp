#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "history/filter.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::history {

/// Reads what people type to find jobs, at most 4,096 bytes and 32 terms, separated by blanks:
///
///     queue:mail  type:user:create  group:acme  tag:customer=42
///     state:dead  state:dead,failed              one of them; may be repeated
///     age>5m  age<1h                             time since it finished, as parse_duration reads
///     it error:timeout  error:"connection refused"  begin of a word in an error args.user.id:42
///     that field of the payload invoice  inv*  "quoted phrase"             words in payload,
///     result, errors or log
///
/// A value with blanks stands in quotes, in which \" and \\ are a quote and a backslash. A word
/// with a colon is a phrase only in quotes, because a key that is misspelt must not be searched
/// for in silence; numbers with colons (12:30) are words.
/// `invalid_argument` says which term is wrong and what would be right.
[[nodiscard]] Result<HistoryFilter> parse_query(std::string_view text, Instant now);

/// States of jobs that are never history.
enum class OpenState : std::uint8_t { pending, scheduled, processing };

inline constexpr std::array all_open_states = {
    OpenState::pending, OpenState::scheduled, OpenState::processing};

std::string_view state_name(OpenState state);

/// Which jobs, finished or not. When one of both lists of states has something, a job must have one
/// of these states.
struct JobQuery {
    HistoryFilter filter{};
    std::vector<OpenState> open_states{};

    bool operator==(const JobQuery&) const = default;
};

/// The same language, for jobs that need not be finished: `state:` knows their states too.
[[nodiscard]] Result<JobQuery> parse_job_query(std::string_view text, Instant now);

/// Text from which parse_query makes the same filter at the same `now`, if it can be said in this
/// language: times in the future cannot.
std::string format_query(const HistoryFilter& filter, Instant now);

}  // namespace tranter::history
