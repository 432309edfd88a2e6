#pragma once

#include "base/error.hpp"
#include "log/disk.hpp"
#include "log/format.hpp"
#include "log/log.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::log {

/// Damage that is not a torn tail. `what()` names file, offset and what would be right.
class CorruptLog : public SystemError {
  public:
    using SystemError::SystemError;
};

struct Damage {
    std::string file{};
    std::uint64_t offset = 0;
    std::string what{};
    /// At the end of the newest segment with no later batch behind it: what a crash leaves.
    bool torn_tail = false;
};

struct SegmentScan {
    SegmentNumber number = 0;
    std::uint64_t file_bytes = 0;
    std::uint32_t end = 0;  // of the intact records; 0: not even the header is intact
    std::optional<std::uint32_t> previous_end{};  // as an intact header says
    bool repaired = false;
    std::uint64_t records = 0;
    std::uint64_t commits = 0;
    std::uint64_t last_commit = 0;
    /// Where the batch frame of a commit stands that is there in part; 0: there is none.
    std::uint32_t open_batch = 0;
    std::vector<Damage> damage{};
};

/// For who only wants to know what is intact.
class IgnoreRecords final : public RecordVisitor {
  public:
    void record(Position, RecordType, std::string_view) override {}
};

struct ScanOptions {
    /// Go on behind damage with the next intact frame.
    bool salvage = false;
    /// This is the newest segment, which may end in a torn commit.
    bool newest = false;
};

/// Reads one segment, calling the visitor for each intact record. Without `salvage` it stops at the
/// first damage. Never throws for what the file holds, however damaged.
SegmentScan scan_segment(
    const File& file,
    std::uint64_t store,
    SegmentNumber number,
    const ScanOptions& options,
    RecordVisitor& visitor
);

/// Numbers of the segments in a directory, ascending.
std::vector<SegmentNumber> list_segments(const Disk& disk);

/// The identity in the file `store`. Nothing in a directory without log files. Throws CorruptLog
/// when it is damaged, of another version, or missing beside segments.
std::optional<StoreIdentity> read_identity(Disk& disk);

/// A whole store, read only. Damage between segments (a missing one, one shorter than its
/// successor says) is listed with the segment it was found at.
struct StoreScan {
    StoreIdentity identity{};
    std::vector<SegmentScan> segments{};
    std::vector<Damage> damage() const;
};
StoreScan scan_store(Disk& disk, bool salvage, RecordVisitor& visitor);
/// Adds the damage that shows only between neighbours: one missing, one shorter than its successor
/// says. `segments` ascending.
void note_gaps(std::vector<SegmentScan>& segments);

/// Makes a store that opens out of a damaged one: a damaged segment is replaced by one with what is
/// intact of it, and kept under its name with `.damaged` behind (`.damaged.2` and so on when there
/// is one already); where segments are missing their
/// neighbours are told so. Returns what was found; nothing is changed when that is nothing, or only
/// a torn tail. Throws CorruptLog when the identity of the store is lost.
std::vector<Damage> repair_store(Disk& disk);

}  // namespace tranter::log
