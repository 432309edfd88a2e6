#pragma once

#include "base/time.hpp"
#include "history/entry.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tranter::history {

/// Words that stand next to each other, compared by letters and digits alone: case, accents and
/// punctuation do not count. A text without letters or digits matches everything.
struct TextTerm {
    std::string text{};
    /// The last word need only begin like this.
    bool prefix = false;

    bool operator==(const TextTerm&) const = default;
};

/// A field of the payload, by the names of members from the outside in; a number is also the
/// position in an array. Strings, numbers, true, false and null are compared as they are written
/// in the payload; an array matches when one of its elements does.
struct ArgumentTerm {
    std::vector<std::string> path{};
    std::string value{};

    bool operator==(const ArgumentTerm&) const = default;
};

/// Which entries. Everything that is set has to hold; nothing set is every entry.
struct HistoryFilter {
    std::optional<std::string> queue{};
    std::optional<std::string> type{};
    /// One of these; none is any.
    std::vector<State> states{};
    std::optional<std::string> group{};
    /// All of these.
    std::vector<std::string> tags{};
    std::optional<Instant> finished_from{};
    /// Not this moment itself.
    std::optional<Instant> finished_before{};
    /// In payload, result, errors or log.
    std::vector<TextTerm> words{};
    /// In type or text of an error; the last word always counts as a prefix.
    std::vector<std::string> errors{};
    std::vector<ArgumentTerm> arguments{};

    bool operator==(const HistoryFilter&) const = default;
};

struct PageRequest {
    /// 1 to 1,000.
    std::size_t entries_max = 50;
    /// A page ends early when its texts exceed this, but has one entry at least.
    std::size_t bytes_max = std::size_t{8} << 20;
    /// What Page::next said; empty: from the newest.
    std::string cursor{};
};

struct Page {
    /// Newest first: in the order of recording. Their `log` is empty, find() has it.
    std::vector<JobEntry> entries{};
    /// Where the next page begins, for the same filter; empty on the last page. Opaque. Stays
    /// valid whatever is recorded or removed meanwhile: an entry that was there from the start
    /// is on exactly one page, and one that came later on none.
    std::string next{};
};

/// What to count and by what to tell apart.
struct CountRequest {
    std::optional<std::string> queue{};
    std::optional<std::string> type{};
    std::vector<State> states{};
    /// Times are cut to whole minutes.
    std::optional<Instant> finished_from{};
    std::optional<Instant> finished_before{};
    bool by_queue = false;
    bool by_type = false;
    bool by_state = false;
    /// Whole minutes; 0: not by time.
    std::chrono::minutes bucket{0};
};

/// One line of the answer. What was not asked for is empty.
struct CountRow {
    std::string queue{};
    std::string type{};
    std::optional<State> state{};
    /// Begin of the bucket, a multiple of its width since the Unix epoch.
    Instant bucket{};
    std::uint64_t entries = 0;

    bool operator==(const CountRow&) const = default;
};

}  // namespace tranter::history
