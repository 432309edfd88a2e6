#pragma once

#include "log/log.hpp"
#include "log/scan.hpp"

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tranter::log {

/// Bytes of one segment on their way to its file: the frames of one commit, behind their batch
/// frame, and behind the header when they open the segment.
struct Chunk {
    SegmentNumber segment = 0;
    std::uint32_t offset = 0;    // where `bytes` go
    std::uint32_t batch_at = 0;  // of the batch frame, from the start of `bytes`
    bool sealed = false;         // has its checksums
    std::string bytes{};
    std::uint32_t end() const { return offset + static_cast<std::uint32_t>(bytes.size()); }
    bool opens_segment() const { return offset == 0; }
};

struct Segment {
    std::shared_ptr<File> file{};  // shared by the log and by who reads or syncs it just now
    std::uint32_t end = 0;         // of the records
    std::uint64_t grown = 0;       // size of the file
};

struct Waiter {
    Position position = 0;
    Log::Done done;
};
using Waiters = std::deque<Waiter>;  // by position
struct Answer {
    Log::Done done;
    bool reached = false;
};

/// Lock order: sync_mutex, write_mutex, file_sync_mutex, mutex. No disk calls under the last.
class Log::Impl {
  public:
    Impl(Disk& disk_in, const LogOptions& options_in) : disk(disk_in), options(options_in) {}

    // log_open.cpp
    void open(RecordVisitor& visitor);
    void make_store();
    void read_segments(RecordVisitor& visitor);
    void rewrite_newest(const SegmentScan& scan);

    // log.cpp
    // With mutex held.
    Position append(RecordType type, std::string_view body);
    SegmentNumber next_segment() const;
    Chunk& chunk_for_append();
    /// The chunk that holds the record and is not in its file yet.
    const Chunk* find_chunk(Position position) const;
    void start_chunk();
    void wait(Waiters& waiters, std::atomic<Position>& end, Wanted wanted, Position at, Done done);
    bool stuck() const { return failed || no_space; }
    CorruptLog damaged(SegmentNumber number, std::uint64_t offset) const;

    // log_commit.cpp
    bool take_pending();
    void write_chunk(const Chunk& chunk);
    void open_segment(const Chunk& chunk);
    void write_growing(const Chunk& chunk, Segment& segment);
    void publish_written();
    void sync_file(File& file);
    void note_failure(const DiskError& error, bool may_pass);
    bool sync_written();
    /// Moves to `answers` who waits for a position up to `end`.
    void take_ready(Waiters& waiters, Position end);
    /// Runs what is in `answers`; only outside every lock.
    void answer();
    void check_free_bytes();

    // constant after opening
    Disk& disk;
    const LogOptions options;
    StoreIdentity identity{};
    OpenReport report{};
    std::function<void(Wanted)> on_wanted;

    std::mutex sync_mutex;       // one commit at a time
    std::mutex write_mutex;      // one write at a time
    std::mutex file_sync_mutex;  // one sync of a file at a time

    mutable std::mutex mutex;
    // guarded by mutex
    std::map<SegmentNumber, Segment> segments;
    std::deque<Chunk> pending;       // not yet being written; appends go to the last
    std::deque<Chunk> in_flight;     // being written; bytes change only under write_mutex as well
    std::vector<std::string> spare;  // of chunks that were written, to be filled again
    SegmentNumber end_segment = 1;
    std::uint32_t end_offset = 0;
    Position synced_end = 0;
    Waiters written_waiters;
    Waiters durable_waiters;
    std::vector<Answer> answers;
    Crowd crowd{};             // but for who waits now
    std::size_t expected = 0;  // who waits, for the hook to be called
    std::string failure;
    LogFigures figures{};

    std::atomic<Position> written_end{0};  // changed under mutex
    std::atomic<Position> durable_end{0};
    std::atomic<bool> failed{false};
    std::atomic<bool> no_space{false};   // a write waits for space
    std::atomic<bool> low_space{false};  // less than the reserve is free
    std::atomic<std::uint64_t> free_bytes{0};
    std::atomic<bool> resting{false};  // the log ends with an empty batch
    std::uint64_t last_commit = 0;     // guarded by write_mutex
};

}  // namespace tranter::log
