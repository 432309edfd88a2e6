#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "history/entry.hpp"
#include "history/entry_source.hpp"
#include "history/store.hpp"
#include "history/writer.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::providers {

/// The jobs of one store that have finished: kept by somebody who works behind, and read as if that
/// were not so. Thread-safe.
class JobHistory {
  public:
    /// In `directory`/history.db, or in memory when that is empty. `clock` outlives it. Throws
    /// SystemError when the file cannot be opened.
    JobHistory(const std::filesystem::path& directory, const Clock& clock);

    void add(std::shared_ptr<const history::EntrySource> jobs) { writer_.add(std::move(jobs)); }
    [[nodiscard]] Result<std::optional<history::JobEntry>> find(std::string_view id);
    void add(history::JobEntry end) { writer_.add(std::move(end)); }
    /// One for each id: nothing for those that are not there.
    [[nodiscard]] Result<std::vector<std::optional<history::JobEnd>>> ends_of(
        std::span<const std::string> ids
    );
    /// With what finished before the call, unless the machine is so busy that it takes longer than
    /// a moment to write that.
    [[nodiscard]] Result<history::Page> list(
        const history::HistoryFilter& filter, const history::PageRequest& request
    );

    /// Also of what waits to be written. `unavailable` when that takes too long.
    [[nodiscard]] Result<> remove(std::string_view id);

    history::HistoryStore& store() { return *store_; }
    history::HistoryWriter& writer() { return writer_; }

  private:
    std::unique_ptr<history::HistoryStore> store_;
    history::HistoryWriter writer_;
};

/// Null when it cannot be opened, which the log says: jobs are more than what became of them.
std::unique_ptr<JobHistory> open_job_history(
    const std::filesystem::path& directory, const Clock& clock
);

}  // namespace tranter::providers
