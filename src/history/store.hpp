#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "history/entry.hpp"
#include "history/filter.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::history {

/// How and when a job ended.
struct JobEnd {
    State state = State::completed;
    Instant finished{};

    bool operator==(const JobEnd&) const = default;
};

struct HistoryFigures {
    std::uint64_t entries = 0;
    /// Entries that are found by reading them, because the text index has not come to them yet.
    std::uint64_t unindexed = 0;
};

/// Finished jobs, searchable and bounded. Thread-safe; readers do not wait for writers, except in
/// memory mode. Nobody who waits for a job may wait for this: use HistoryWriter.
///
/// Errors of every function: `corrupted` when the file is damaged, `limit_exceeded` when there is
/// no space, `unavailable` for everything else that SQLite may say.
class HistoryStore {
  public:
    virtual ~HistoryStore() = default;

    /// All or nothing. An entry replaces an earlier one of the same id, unless that one finished
    /// later: a result that comes late changes nothing. (Attempts do not count, because a job that
    /// is retried by hand begins at 1 again.) Entries beyond the bounds go, oldest first.
    /// `invalid_argument` for a result that is too long.
    [[nodiscard]] virtual Result<> put(std::span<const JobEntry> entries) = 0;

    /// With everything, also the log. Nothing when there is none.
    [[nodiscard]] virtual Result<std::optional<JobEntry>> find(std::string_view id) = 0;

    /// The ends of what find() would find, one for each id, at a tenth of its cost.
    [[nodiscard]] virtual Result<std::vector<std::optional<JobEnd>>> ends_of(
        std::span<const std::string> ids
    ) = 0;

    /// `invalid_argument` for a cursor that no page gave or a page of 0 or more than 1,000.
    [[nodiscard]] virtual Result<Page> list(
        const HistoryFilter& filter, const PageRequest& request
    ) = 0;

    /// Sorted by bucket, queue, type and state; rows without entries are left out. Counts what is
    /// still kept.
    [[nodiscard]] virtual Result<std::vector<CountRow>> count(const CountRequest& request) = 0;

    /// Removes what was there at the beginning, and says how many. Others write in between.
    [[nodiscard]] virtual Result<std::uint64_t> remove(const HistoryFilter& filter) = 0;

    /// The same of the one with that id. Whether there was one.
    [[nodiscard]] virtual Result<bool> remove(std::string_view id) = 0;

    /// One step (tens of milliseconds) of what may wait: text index, ids, age, space. Whether
    /// there is more to do. HistoryWriter calls it.
    [[nodiscard]] virtual Result<bool> maintain() = 0;

    virtual HistoryFigures figures() = 0;
};

struct HistoryOptions {
    static constexpr std::string_view memory = ":memory:";

    /// A file in an existing folder, or `memory`.
    std::string path{memory};
    /// 0: 1,000 in memory and 100,000 in a file.
    std::size_t entries_per_queue_max = 0;
    /// Time since it finished; 0: no limit.
    Duration age_max{0};
    /// The file grows no further, and entries are refused; 0: no limit.
    std::uint64_t file_bytes_max = 0;
    /// How many entries share one text index; 0: 8,192 in memory and 65,536 in a file.
    std::uint64_t text_index_entries = 0;
};

/// A store in SQLite. A file keeps what was put before the process ended, however it ended; after
/// a power loss the last moments may be missing. A damaged file is moved aside as
/// <path>.damaged-<time> and a new one begun, also while the store is in use; the log says so.
/// `clock` outlives the store. Throws SystemError when the file cannot be opened or was written by
/// a newer version.
std::unique_ptr<HistoryStore> open_history(const HistoryOptions& options, const Clock& clock);

}  // namespace tranter::history
