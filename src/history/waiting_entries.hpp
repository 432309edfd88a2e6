#pragma once

#include "history/entry_source.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::history {

/// Owned by the writer and, for a moment, by who looks for an entry.
using SourcePtr = std::shared_ptr<const EntrySource>;

/// What waits for HistoryWriter, oldest first. Not thread-safe. Nothing is destroyed in here, which
/// may take longer than a lock should be held.
class WaitingEntries {
  public:
    /// 0: no bound.
    explicit WaitingEntries(std::size_t kept_per_queue) : kept_per_queue_(kept_per_queue) {}

    /// Moves those to `outnumbered` behind which `kept_per_queue` newer ends of the same queue
    /// wait.
    void push(SourcePtr source, std::vector<SourcePtr>& outnumbered);
    /// The oldest. There is one.
    SourcePtr pop();
    /// Up to `sources_max`, newest first, from below the number `below`, which then is the lowest
    /// of them. Numbers count all that ever waited.
    std::vector<SourcePtr> before(std::uint64_t& below, std::size_t sources_max) const;

    /// Numbers: of the oldest that waits, and of what comes next. Equal when nothing waits.
    std::uint64_t first() const { return first_; }
    std::uint64_t end() const { return first_ + all_.size(); }
    std::size_t sources() const { return sources_; }
    std::size_t entries() const { return entries_; }
    std::size_t bytes() const { return bytes_; }

  private:
    /// Those of one queue.
    struct Line {
        std::deque<std::uint64_t> numbers{};
        std::size_t ends = 0;
    };

    SourcePtr take(std::uint64_t number);
    void skip_gaps();

    const std::size_t kept_per_queue_;
    std::deque<SourcePtr> all_{};  // null: taken out of the middle
    std::uint64_t first_ = 0;      // number of the front
    std::map<std::string, Line, std::less<>> lines_{};
    std::size_t sources_ = 0;
    std::size_t entries_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace tranter::history
