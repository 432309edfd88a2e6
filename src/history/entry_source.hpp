#pragma once

#include "history/entry.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace tranter::history {

/// Jobs of which an attempt has ended, before they are entries: making one costs more than settling
/// its job, so HistoryWriter has it made on its own thread. Does not change, and is used by several
/// threads.
class EntrySource {
  public:
    EntrySource() = default;
    EntrySource(const EntrySource&) = delete;
    EntrySource& operator=(const EntrySource&) = delete;
    virtual ~EntrySource() = default;

    /// At least 1.
    virtual std::size_t entries() const = 0;
    /// Of memory, about.
    virtual std::size_t bytes() const = 0;
    virtual void append_to(std::vector<JobEntry>& out) const = 0;
    /// The last of its entries with that id.
    virtual std::optional<JobEntry> find(std::string_view id) const = 0;
};

}  // namespace tranter::history
