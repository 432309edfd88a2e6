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

    /// Of all of them.
    virtual std::string_view queue() const = 0;
    /// At least 1.
    virtual std::size_t entries() const = 0;
    /// How many of them are ends of their jobs, not attempts that failed and may be followed.
    virtual std::size_t ends() const = 0;
    /// Of memory, about.
    virtual std::size_t bytes() const = 0;
    virtual void append_to(std::vector<JobEntry>& out) const = 0;
    /// The last of its entries with that id.
    virtual std::optional<JobEntry> find(std::string_view id) const = 0;
};

}  // namespace tranter::history
