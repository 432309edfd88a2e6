#include "log/frame_reader.hpp"
#include "log/scan.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace tranter::log {
namespace {

constexpr std::size_t batch_bytes_max = 1U << 20U;
constexpr SegmentNumber missing_max = 10'000;

/// Writes records into a new segment, whatever their offsets were before.
class SegmentRewriter final : public RecordVisitor {
  public:
    SegmentRewriter(Disk& disk, const StoreIdentity& identity, SegmentNumber number)
        : disk_(disk), store_(identity.id), number_(number), name_(segment_name(number) + ".tmp") {
        if (disk_.exists(name_)) disk_.remove(name_);
        file_ = disk_.create(name_);
        file_->write(
            0,
            encode_header({.store = store_, .number = number, .previous_end = 0, .repaired = true})
        );
    }

    void record(Position, RecordType type, std::string_view body) override {
        append_frame(frames_, type, body);
        if (frames_.size() >= batch_bytes_max) flush();
    }

    /// Puts it in the place of what has its number now.
    void finish() {
        flush();
        file_->sync();
        disk_.rename(name_, segment_name(number_));
        disk_.sync_directory();
    }

  private:
    void flush() {
        if (frames_.empty()) return;
        std::string batch;
        append_batch_frame(batch, {.bytes = static_cast<std::uint32_t>(frames_.size())});
        batch += frames_;
        seal_frames(store_, make_position(number_, offset_), batch);
        file_->write(offset_, batch);
        offset_ += static_cast<std::uint32_t>(batch.size());
        frames_.clear();
    }

    Disk& disk_;
    const std::uint64_t store_;
    const SegmentNumber number_;
    const std::string name_;
    std::unique_ptr<File> file_;
    std::uint32_t offset_ = segment_header_bytes;
    std::string frames_;
};

void keep_copy(Disk& disk, const std::string& name) {
    // What an earlier repair kept may be all that is left of something.
    std::string copy_name = name + ".damaged";
    for (int i = 2; disk.exists(copy_name); ++i)
        copy_name = name + ".damaged." + std::to_string(i);
    const auto from = disk.open(name);
    const auto copy = disk.create(copy_name);
    std::string bytes(1U << 20U, '\0');
    for (std::uint64_t offset = 0;;) {
        const std::size_t got = from->read(offset, bytes);
        if (got == 0) break;
        copy->write(offset, std::string_view(bytes).substr(0, got));
        offset += got;
    }
    copy->sync();
    disk.sync_directory();
}

void rewrite(Disk& disk, const StoreIdentity& identity, const SegmentScan& segment, bool newest) {
    const std::string name = segment_name(segment.number);
    keep_copy(disk, name);
    SegmentRewriter rewriter(disk, identity, segment.number);
    const auto file = disk.open(name);
    scan_segment(*file, identity.id, segment.number, {.salvage = true, .newest = newest}, rewriter);
    rewriter.finish();
}

}  // namespace

std::vector<Damage> repair_store(Disk& disk) {
    IgnoreRecords ignore;
    const StoreScan scan = scan_store(disk, true, ignore);
    const std::vector<Damage> found = scan.damage();
    const auto real = [](const Damage& damage) {
        return !damage.torn_tail;
    };
    if (std::none_of(found.begin(), found.end(), real)) return found;

    for (std::size_t i = 0; i < scan.segments.size(); ++i) {
        const SegmentScan& segment = scan.segments[i];
        const bool newest = i + 1 == scan.segments.size();
        if (std::any_of(segment.damage.begin(), segment.damage.end(), real)) {
            rewrite(disk, scan.identity, segment, newest);
        }
        if (newest) break;
        const SegmentNumber next = scan.segments[i + 1].number;
        if (next - segment.number > missing_max) {
            throw CorruptLog(
                "segments " + std::to_string(segment.number + 1) + " to " +
                std::to_string(next - 1) + " are missing, which cannot be a damaged store"
            );
        }
        for (SegmentNumber missing = segment.number + 1; missing < next; ++missing)
            SegmentRewriter(disk, scan.identity, missing).finish();
    }
    return found;
}

}  // namespace tranter::log
