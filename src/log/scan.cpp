#include "log/scan.hpp"

#include "log/frame_reader.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace tranter::log {
namespace {

class SegmentScanner {
  public:
    SegmentScanner(
        FrameReader reader, SegmentNumber number, const ScanOptions& options, RecordVisitor& visitor
    )
        : reader_(std::move(reader)), options_(options), visitor_(visitor) {
        result_.number = number;
        result_.file_bytes = reader_.size();
    }

    SegmentScan run(std::uint64_t store) {
        if (check_header(store) || options_.salvage) read_records();
        return std::move(result_);
    }

  private:
    bool check_header(std::uint64_t store) {
        const auto header = decode_header(reader_.bytes(0, segment_header_bytes));
        if (!header) return refuse("the header is damaged", true);
        if (header->version != format_version) {
            return refuse(
                "written in format " + std::to_string(header->version) + ", this program reads " +
                    std::to_string(format_version),
                false
            );
        }
        if (header->store != store || header->number != result_.number) {
            return refuse("the header is another segment's, the file was renamed or copied", false);
        }
        result_.end = segment_header_bytes;
        result_.previous_end = header->previous_end;
        result_.repaired = header->repaired;
        return true;
    }

    /// Batch after batch, until the zeros that the file has grown ahead, or the first damage.
    void read_records() {
        std::uint64_t offset = segment_header_bytes;
        while (offset < reader_.size()) {
            const auto frame = reader_.frame(offset);
            if (frame && frame->type == batch_type) {
                const BatchBody batch = decode_batch(frame->body);
                offset = read_batch(offset + frame->bytes, batch);
            } else if (frame && options_.salvage) {
                // Behind damage: the batch frame of this record is what was damaged.
                offset = visit(offset, *frame);
            } else if (at_end(offset)) {
                return;
            } else {
                offset = skip_damage(offset, "no intact commit starts here");
            }
            if (offset == 0) return;
        }
    }

    /// Returns where the next batch starts; 0: stop.
    std::uint64_t read_batch(std::uint64_t offset, const BatchBody& batch) {
        const std::uint64_t end = offset + batch.bytes;
        result_.open_batch = static_cast<std::uint32_t>(offset - batch_frame_bytes);
        while (offset < end) {
            const auto frame = reader_.frame(offset);
            if (!frame || frame->type == batch_type || offset + frame->bytes > end) {
                return skip_damage(offset, "a record is damaged");
            }
            offset = visit(offset, *frame);
        }
        ++result_.commits;
        result_.open_batch = 0;
        result_.last_commit = batch.commit;
        result_.end = static_cast<std::uint32_t>(offset);
        return offset;
    }

    std::uint64_t visit(std::uint64_t offset, const Frame& frame) {
        // The visitor may keep the body only during the call, so the frame's size is read before.
        const std::uint64_t next = offset + frame.bytes;
        const auto at = make_position(result_.number, static_cast<std::uint32_t>(offset));
        visitor_.record(at, frame.type, frame.body);
        ++result_.records;
        result_.end = static_cast<std::uint32_t>(next);
        return next;
    }

    /// Whether nothing but zeros follows.
    bool at_end(std::uint64_t offset) { return next_nonzero(offset) >= reader_.size(); }

    std::uint64_t next_nonzero(std::uint64_t offset) {
        while (offset < reader_.size()) {
            const std::string_view bytes = reader_.bytes(offset, frame_alignment);
            if (bytes.empty()) return reader_.size();  // its owner cut the file meanwhile
            const std::size_t found = bytes.find_first_not_of('\0');
            if (found != std::string_view::npos) {
                return (offset + found) / frame_alignment * frame_alignment;
            }
            offset += bytes.size();
        }
        return offset;
    }

    /// Whether a later commit was written when what stands here was synced already. Without one
    /// this may be what a crash left: commits that were not synced reach the disk in any order.
    bool was_synced(std::uint64_t offset) {
        for (std::uint64_t at = offset;;) {
            at = next_frame(at + frame_alignment, true);
            if (at >= reader_.size()) return false;
            const auto frame = reader_.frame(at);
            if (frame && decode_batch(frame->body).synced > offset) return true;
        }
    }

    /// Notes the damage, and returns the next intact frame behind it when salvaging, else 0.
    std::uint64_t skip_damage(std::uint64_t offset, const char* what) {
        const bool torn = options_.newest && !was_synced(offset);
        note(offset, what, torn);
        if (torn || !options_.salvage) return 0;
        const std::uint64_t next = next_frame(offset + frame_alignment, false);
        return next < reader_.size() ? next : 0;
    }

    std::uint64_t next_frame(std::uint64_t offset, bool batches_only) {
        for (;; offset += frame_alignment) {
            offset = next_nonzero(offset);
            if (offset >= reader_.size()) return offset;
            const std::size_t claimed = claimed_bytes(reader_.bytes(offset, frame_header_bytes));
            if (batches_only && claimed != batch_frame_bytes) continue;
            const auto frame = reader_.frame(offset);
            if (frame && (!batches_only || frame->type == batch_type)) return offset;
        }
    }

    bool refuse(std::string what, bool unfinished) {
        const bool torn = unfinished && options_.newest && !was_synced(0);
        note(0, std::move(what), torn);
        return false;
    }

    void note(std::uint64_t offset, std::string what, bool torn) {
        result_.damage.push_back(
            {.file = segment_name(result_.number),
             .offset = offset,
             .what = std::move(what),
             .torn_tail = torn}
        );
    }

    FrameReader reader_;
    const ScanOptions options_;
    RecordVisitor& visitor_;
    SegmentScan result_;
};

}  // namespace

SegmentScan scan_segment(
    const File& file,
    std::uint64_t store,
    SegmentNumber number,
    const ScanOptions& options,
    RecordVisitor& visitor
) {
    // Positions have 32 bits of offset.
    const std::uint64_t size = std::min<std::uint64_t>(file.size(), UINT32_MAX);
    return SegmentScanner({file, store, number, size}, number, options, visitor).run(store);
}

std::vector<SegmentNumber> list_segments(const Disk& disk) {
    std::vector<SegmentNumber> numbers;
    for (const std::string& name : disk.list()) {
        if (const auto number = parse_segment_name(name)) numbers.push_back(*number);
    }
    return numbers;
}

std::optional<StoreIdentity> read_identity(Disk& disk) {
    if (!disk.exists(identity_name)) {
        if (list_segments(disk).empty()) return std::nullopt;
        throw CorruptLog(
            disk.path_of(identity_name) + " is missing, but there are segments of a log beside it"
        );
    }
    const auto file = disk.open(identity_name);
    std::string bytes(256, '\0');
    bytes.resize(file->read(0, bytes));
    std::uint32_t version = 0;
    const auto identity = decode_identity(bytes, version);
    if (identity) return identity;
    if (version != 0 && version != format_version) {
        throw CorruptLog(
            disk.path_of(identity_name) + " says format " + std::to_string(version) +
            ", this program reads " + std::to_string(format_version)
        );
    }
    throw CorruptLog(disk.path_of(identity_name) + " is damaged at offset 0");
}

std::vector<Damage> StoreScan::damage() const {
    std::vector<Damage> all;
    for (const SegmentScan& segment : segments)
        std::copy(segment.damage.begin(), segment.damage.end(), std::back_inserter(all));
    return all;
}

void note_gaps(std::vector<SegmentScan>& segments) {
    for (std::size_t i = 1; i < segments.size(); ++i) {
        const SegmentScan& before = segments[i - 1];
        SegmentScan& segment = segments[i];
        const auto note = [&](std::string what) {
            segment.damage.push_back(
                {.file = segment_name(segment.number), .offset = 0, .what = std::move(what)}
            );
        };
        if (segment.number != before.number + 1) {
            note("the segment before it, " + segment_name(segment.number - 1) + ", is missing");
        } else if (segment.previous_end && *segment.previous_end != before.end && !before.repaired &&
                   !segment.repaired && before.damage.empty()) {
            note(
                "the segment before it ends at offset " + std::to_string(before.end) +
                ", but ended at " + std::to_string(*segment.previous_end)
            );
        }
    }
}

StoreScan scan_store(Disk& disk, bool salvage, RecordVisitor& visitor) {
    StoreScan scan;
    const auto identity = read_identity(disk);
    if (!identity) return scan;
    scan.identity = *identity;
    const std::vector<SegmentNumber> numbers = list_segments(disk);
    for (const SegmentNumber number : numbers) {
        const auto file = disk.open(segment_name(number));
        const ScanOptions options{.salvage = salvage, .newest = number == numbers.back()};
        scan.segments.push_back(scan_segment(*file, identity->id, number, options, visitor));
    }
    note_gaps(scan.segments);
    return scan;
}

}  // namespace tranter::log
