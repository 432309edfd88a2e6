#include "base/log.hpp"
#include "base/uuid.hpp"
#include "log/log_impl.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace tranter::log {
namespace {

constexpr std::string_view unfinished_suffix = ".tmp";

/// Writes a whole file under another name first, so that it is there in full or not at all.
void write_file(Disk& disk, const std::string& name, std::string_view bytes) {
    const std::string unfinished = name + std::string(unfinished_suffix);
    {
        const auto file = disk.create(unfinished);
        file->write(0, bytes);
        file->sync();
    }
    disk.rename(unfinished, name);
    disk.sync_directory();
}

void remove_unfinished(Disk& disk) {
    for (const std::string& name : disk.list()) {
        if (name.ends_with(unfinished_suffix)) disk.remove(name);
    }
}

std::string describe(const Disk& disk, const Damage& damage) {
    return disk.path_of(damage.file) + " is damaged at offset " + std::to_string(damage.offset) +
           ": " + damage.what;
}

}  // namespace

void Log::Impl::open(RecordVisitor& visitor) {
    const auto found = read_identity(disk);
    remove_unfinished(disk);
    if (found) {
        identity = *found;
    } else {
        make_store();
    }
    read_segments(visitor);
    const Position end = make_position(end_segment, end_offset);
    written_end = durable_end = synced_end = end;
    check_free_bytes();
}

void Log::Impl::make_store() {
    const Uuid random = make_uuid();
    const Uuid secret = make_uuid();
    const Uuid more = make_uuid();
    std::memcpy(&identity.id, random.data(), sizeof identity.id);
    // A UUID has six bits that are not random; mix two.
    for (std::size_t i = 0; i < identity.secret.size(); ++i)
        identity.secret[i] = secret[i] ^ more[(i + 8) % more.size()];
    write_file(disk, identity_name, encode_identity(identity));
}

void Log::Impl::read_segments(RecordVisitor& visitor) {
    std::vector<SegmentNumber> numbers = list_segments(disk);
    if (numbers.empty()) {
        write_file(disk, segment_name(1), encode_header({.store = identity.id, .number = 1}));
        numbers.push_back(1);
    }
    std::vector<SegmentScan> scans;
    for (const SegmentNumber number : numbers) {
        const std::shared_ptr<File> file = disk.open(segment_name(number));
        const ScanOptions scan_options{.newest = number == numbers.back()};
        scans.push_back(scan_segment(*file, identity.id, number, scan_options, visitor));
        const SegmentScan& scan = scans.back();
        segments[number] = {.file = file, .end = scan.end, .grown = scan.file_bytes};
        report.records += scan.records;
        report.bytes += scan.end;
        last_commit = std::max(last_commit, scan.last_commit);
    }
    note_gaps(scans);
    for (const SegmentScan& scan : scans) {
        for (const Damage& damage : scan.damage) {
            if (!damage.torn_tail) throw CorruptLog(describe(disk, damage));
            report.torn_tail = describe(disk, damage) +
                               "; nothing behind it was acknowledged, so it was cut there";
        }
    }
    rewrite_newest(scans.back());
    end_segment = numbers.back();
    end_offset = segments.at(end_segment).end;
}

/// Copies what is intact of the newest segment to a new file, synced and in place before anything
/// is acknowledged: the old one's pages may be readable although they never reached the disk, and
/// behind its end there may be the rest of a torn commit. Older segments were synced when they were
/// closed.
void Log::Impl::rewrite_newest(const SegmentScan& scan) {
    Segment& segment = segments.at(scan.number);
    const std::string name = segment_name(scan.number);
    const std::string unfinished = name + std::string(unfinished_suffix);
    std::shared_ptr<File> copy = disk.create(unfinished);
    if (scan.end == 0) {
        const auto before = segments.find(scan.number - 1);
        copy->write(
            0,
            encode_header(
                {.store = identity.id,
                 .number = scan.number,
                 .previous_end = before == segments.end() ? 0 : before->second.end}
            )
        );
        segment.end = segment_header_bytes;
    }
    std::string bytes(1U << 20U, '\0');
    for (std::uint64_t offset = 0; offset < scan.end;) {
        const std::size_t got = segment.file->read(offset, bytes);
        const auto wanted = std::min<std::uint64_t>(got, scan.end - offset);
        if (wanted == 0) throw CorruptLog(disk.path_of(name) + " became shorter while it was read");
        copy->write(offset, std::string_view(bytes).substr(0, static_cast<std::size_t>(wanted)));
        offset += wanted;
    }
    if (scan.open_batch != 0 && scan.open_batch < scan.end) {
        // What is left of a torn commit is a commit now.
        const std::uint32_t frames_at = scan.open_batch + batch_frame_bytes;
        std::string batch;
        append_batch_frame(batch, {.commit = ++last_commit, .bytes = scan.end - frames_at});
        seal_frames(identity.id, make_position(scan.number, scan.open_batch), batch);
        copy->write(scan.open_batch, batch);
    }
    copy->sync();
    disk.rename(unfinished, name);
    disk.sync_directory();
    segment.grown = segment.end;
    segment.file = std::move(copy);
}

}  // namespace tranter::log
