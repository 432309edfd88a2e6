#pragma once

#include "history/entry.hpp"
#include "history/filter.hpp"

#include <memory>

namespace tranter::history {

/// Compares jobs that are not in a store with what a filter asks for, by the same rules. Used by
/// one thread at a time.
class Matcher {
  public:
    /// Throws SystemError when SQLite, whose tokenizer it uses, cannot be had.
    explicit Matcher(HistoryFilter filter);
    ~Matcher();
    Matcher(const Matcher&) = delete;
    Matcher& operator=(const Matcher&) = delete;

    /// By everything but the state and the times. Looks at queue, type, group, tags, payload,
    /// result, errors and log, and at the texts only when the rest matches.
    bool matches(const JobEntry& entry) const;

  private:
    class Texts;
    const HistoryFilter filter_;
    std::unique_ptr<Texts> texts_;  // null: no words are asked for
};

}  // namespace tranter::history
