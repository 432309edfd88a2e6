#pragma once

#include "history/entry.hpp"
#include "history/entry_source.hpp"
#include "history/store.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace tranter::history {

struct WriterOptions {
    std::size_t queued_entries_max = 200'000;
    /// Texts of queued entries.
    std::size_t queued_bytes_max = std::size_t{256} << 20;
    /// How many entries are worth a transaction before they have waited for long. The indexes by
    /// queue, type and state are written in as many places for 5,000 entries as for 500.
    std::size_t batch_entries = 5'000;
    /// How long the first that waits does so for others.
    std::chrono::milliseconds batch_wait{50};
    /// What the store keeps of each queue: an entry that waits while so many newer ends of its
    /// queue do is not written at all. 0: every entry is written.
    std::size_t kept_per_queue = 0;
    /// Otherwise what waits at the end is dropped: nobody can read a store in memory after that.
    bool finish = true;
};

struct WriterFigures {
    std::uint64_t written = 0;
    /// Pushed out of a full queue.
    std::uint64_t dropped = 0;
    /// Not written, since so many newer ones of their queue waited that the store would have
    /// trimmed them at once.
    std::uint64_t outnumbered = 0;
    /// The store refused them; the log says why.
    std::uint64_t refused = 0;
    std::size_t queued = 0;
};

/// Takes finished jobs from whoever settles them to the store, on a thread of its own: when enough
/// wait or the first has waited for long enough, all that wait go in one transaction, up to 5,000.
/// When the store does not keep up the oldest that wait are dropped and counted, because history
/// must never slow down work. For the same reason the thread has the lowest priority, and while
/// others want its processor it rests most of the time, until half of what may wait does.
/// Between batches the thread looks after the store: what was written is in the text index (and
/// before that found by reading) after a fraction of a second. Thread-safe.
class HistoryWriter {
  public:
    /// `store` outlives the writer.
    explicit HistoryWriter(HistoryStore& store, WriterOptions options = {});
    /// Writes what waits, unless told otherwise, and joins the thread.
    ~HistoryWriter();
    HistoryWriter(const HistoryWriter&) = delete;
    HistoryWriter& operator=(const HistoryWriter&) = delete;

    /// Takes a mutex for the time of a move, and waits for nothing else.
    void add(JobEntry entry);
    void add(std::shared_ptr<const EntrySource> source);

    /// Of the entries with that id that wait or are being written, the one that counts; see
    /// later_end(). The store may have a later one. Who finds nothing here and then asks the store
    /// misses nothing but what was dropped.
    std::optional<JobEntry> find(std::string_view id) const;

    /// Writes, on the thread that calls, until everything that was added before is in the store or
    /// refused by it.
    void flush();
    /// The same, but begins no transaction after so long. `false`: it took longer.
    bool flush_for(std::chrono::milliseconds wait_max);

    WriterFigures figures() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter::history
