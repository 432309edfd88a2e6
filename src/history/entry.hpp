#pragma once

#include "base/time.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::history {

/// How an attempt ended. The other states of a job (pending, scheduled, processing) are never
/// history. The values are stored in files.
enum class State : std::uint8_t { completed = 0, failed = 1, dead = 2, cancelled = 3 };

inline constexpr std::array all_states = {
    State::completed, State::failed, State::dead, State::cancelled};

std::string_view state_name(State state);
std::optional<State> find_state(std::string_view name);

/// Why one attempt did not succeed.
struct AttemptError {
    std::uint32_t attempt = 0;
    Instant at{};
    std::string type{};
    std::string text{};

    bool operator==(const AttemptError&) const = default;
};

/// What a job logged: at most 10,000 lines and 1 MiB, newlines included. The oldest lines make
/// room for new ones, and the number of those that went is kept, so that the gap can be shown.
class LogLines {
  public:
    static constexpr std::size_t lines_max = 10'000;
    static constexpr std::size_t bytes_max = std::size_t{1} << 20;

    /// Text with newlines is several lines. A line longer than `bytes_max` keeps its end.
    void append(std::string_view text);
    /// Counts lines that were dropped before they came here.
    void add_dropped(std::uint64_t lines) { dropped_ += lines; }

    const std::deque<std::string>& lines() const { return lines_; }
    std::uint64_t dropped() const { return dropped_; }
    bool empty() const { return lines_.empty() && dropped_ == 0; }
    /// All lines, each followed by a newline.
    std::string text() const;

    bool operator==(const LogLines&) const = default;

  private:
    void append_line(std::string_view line);

    std::deque<std::string> lines_;
    std::size_t bytes_ = 0;
    std::uint64_t dropped_ = 0;
};

inline constexpr std::size_t result_bytes_max = std::size_t{256} << 10;
inline constexpr std::size_t attempt_errors_max = 10;

/// A job as it was when an attempt of it ended. Texts of JSON are stored as they are and need not
/// be valid (an encrypted payload is not); only the search by payload field needs JSON.
struct JobEntry {
    /// A UUID, or what else the provider names its jobs by.
    std::string id{};
    std::string queue{};
    std::string type{};
    /// JSON.
    std::string payload{};
    State state = State::completed;
    std::uint32_t attempt = 1;
    std::uint32_t attempts_max = 1;
    /// 0 is first, 9 is last.
    std::uint8_t priority = 5;
    /// Empty: none.
    std::string group{};
    /// "key=value", or a bare word.
    std::vector<std::string> tags{};
    /// Empty: none.
    std::string dedup_key{};
    Instant created{};
    std::optional<Instant> scheduled{};
    std::optional<Instant> started{};
    Instant finished{};
    /// JSON, empty: none. The store refuses more than `result_bytes_max`.
    std::string result{};
    /// Oldest first. The store keeps the last `attempt_errors_max`.
    std::vector<AttemptError> errors{};
    /// JSON, empty: none.
    std::string progress{};
    LogLines log{};
    std::string worker{};
    /// Of dead and cancelled. Empty: none.
    std::string reason{};
    /// JSON: what else it was enqueued with, so that it can be enqueued again. Not searched.
    std::string options{};

    bool operator==(const JobEntry&) const = default;
};

/// Of two ends of one job the one that counts: the later. At the same moment, or when there is one
/// only, it is what is there, and `first` before `second`. Who ended first need not be told first.
std::optional<JobEntry> later_end(std::optional<JobEntry> first, std::optional<JobEntry> second);

}  // namespace tranter::history
