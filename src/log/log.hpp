#pragma once

#include "log/disk.hpp"
#include "log/format.hpp"
#include "log/position.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::log {

/// How safe what was waited for is. `os`: in the kernel's hands, survives the end of the process.
/// `sync`: on the disk, survives a power loss.
enum class Durability : std::uint8_t { os, sync };

struct LogOptions {
    Durability durability = Durability::sync;
    /// A segment is closed when it has grown to this; it ends with the record that passes it.
    std::uint32_t segment_bytes = 64U << 20U;
    /// The file grows ahead of the records in steps of this many zeros, so that most syncs have no
    /// new file size to write.
    std::uint32_t grow_bytes = 256U << 10U;
    /// accepts() says `no_growth` while less is free on the disk, so that there is space for
    /// deletes and for compaction.
    std::uint64_t reserve_bytes = 128U << 20U;
};

/// Called for every intact record when a log is opened or read, in order.
class RecordVisitor {
  public:
    virtual ~RecordVisitor() = default;
    /// `body` lives only during the call.
    virtual void record(Position at, RecordType type, std::string_view body) = 0;
};

/// What is still possible.
enum class Accepts : std::uint8_t {
    everything,
    no_growth,  // the disk is nearly full: only what frees space
    nothing,    // a write found no space, which may pass; or a sync failed: only a restart helps
};

struct LogFigures {
    SegmentNumber oldest_segment = 0;
    SegmentNumber newest_segment = 0;
    std::uint64_t bytes = 0;  // of all segments, without what is grown ahead
    std::uint64_t commits = 0;
    std::uint64_t appended_bytes = 0;
    std::uint64_t appended_records = 0;
    std::uint64_t syncs = 0;        // of commits; one sync may commit several
    std::uint64_t sync_micros = 0;  // spent in these
};

/// Where a torn tail was cut when the log was opened.
struct OpenReport {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    std::string torn_tail{};  // empty: there was none; otherwise file, offset and how many bytes
};

/// An append-only log in segments, with group commit.
///
///     append() --> buffer --> write() --> kernel --> sync() --> disk
///                                 ^ written end          ^ durable end
///
/// append() only copies into a buffer. write() and sync() do the I/O and are called by the log's
/// own threads (LogThreads), or by a simulation: one call is one group commit, and everything
/// appended meanwhile shares the next. All functions are thread-safe; write() and sync() each run
/// once at a time, beside one another.
///
/// The first failed write or sync ends the log: nothing is acknowledged any more, waiters get
/// `false`, trouble() says why. Only a write for which there was no space is tried again, because
/// nothing of it had been believed; meanwhile nothing is accepted and waiters get `false`, though
/// what they wait for may still become durable.
class Log {
  public:
    /// Opens the store in the directory, or makes one in an empty directory. Calls the visitor for
    /// every record, cuts a torn tail, and writes what it trusts anew before it returns: a page
    /// that failed to reach the disk earlier can still be readable. Throws DiskError, or
    /// CorruptLog when anything else than the tail is damaged.
    Log(Disk& disk, LogOptions options, RecordVisitor& visitor);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    const StoreIdentity& identity() const;
    const OpenReport& opened() const;

    /// Never blocks on the disk. Records appended by one thread keep their order.
    Position append(RecordType type, std::string_view body);
    /// Only if it goes to that segment; otherwise appends nothing and returns 0.
    Position append_in(SegmentNumber segment, RecordType type, std::string_view body);
    /// Who waits for this waits for everything appended so far.
    Position end() const;
    /// The segment that the next record goes to.
    SegmentNumber next_segment() const;

    using Done = std::move_only_function<void(bool)>;
    bool is_written(Position position) const;
    /// Written with `os`, synced with `sync`.
    bool is_durable(Position position) const;
    /// Calls `done` on this thread at once or later on the thread that writes or syncs, outside
    /// every lock. `false`: it never will be.
    void when_written(Position position, Done done);
    void when_durable(Position position, Done done);

    /// The owner found something after which nothing may be acknowledged: as after a failed sync.
    void fail(const std::string& reason);

    Accepts accepts() const;
    /// Why not everything is accepted; empty otherwise.
    std::string trouble() const;
    LogFigures figures() const;
    std::uint32_t segment_bytes() const;

    struct Found {
        RecordType type = 0;
        std::string body{};
    };
    /// A record that is still in the log, from the buffer or from its file. Nothing when its
    /// segment is gone. Throws CorruptLog when it is damaged.
    std::optional<Found> read(Position position) const;

    /// Writes what is buffered; `false` when there was nothing to write or it could not.
    bool write();
    /// Writes, then syncs what is written; `false` when that was nothing or it could not.
    bool sync();
    /// What somebody may wait for: write() or sync().
    enum class Wanted : std::uint8_t { nothing, write, sync };
    bool wants(Wanted wanted) const;
    /// How many wait for durability, and how many the latest commit answered.
    struct Crowd {
        std::size_t waiting = 0;
        std::size_t answered = 0;
        std::chrono::microseconds sync_time{};  // of the latest commit
    };
    Crowd crowd() const;
    /// Calls the hook for `sync` again when so many wait; 0: never.
    void expect(std::size_t waiting);
    /// Called outside every lock, from any thread, when somebody begins to wait: for a write, for a
    /// sync, or (`nothing`) when there is a segment more, so that it may be time to compact.
    void on_wanted(std::function<void(Wanted)> hook);
    /// Looks again whether the disk has space; tries a write again that had none. Call it every
    /// second or so.
    void check_space();
    /// Commits what nobody waited for. Then ends the log with an empty batch, so that damage to the
    /// last commit is not taken for a torn tail. Call it before the end and when nothing happens.
    void rest();

    /// Calls `visit` for records of the oldest segment from `offset` on (0: the start), until
    /// about `bytes_max` were read. Returns where to go on, 0 at the end of the segment. Only for
    /// the one who compacts, and only while there are two segments.
    std::uint32_t visit_oldest(std::uint32_t offset, std::size_t bytes_max, RecordVisitor& visitor)
        const;
    /// Removes the oldest segment; `false` when it is the only one, or could not be removed.
    bool drop_oldest();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter::log
