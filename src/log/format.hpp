#pragma once

#include "log/position.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::log {

/// The bytes on disk. docs/log-format.md is the reference, with a checklist for changing it. All
/// numbers are little-endian.
inline constexpr std::uint32_t format_version = 2;
inline constexpr std::size_t segment_header_bytes = 64;
inline constexpr std::size_t frame_header_bytes = 16;
inline constexpr std::size_t frame_alignment = 8;
/// Larger than any record the broker makes (a message of 1 MiB with its attributes).
inline constexpr std::uint32_t body_bytes_max = 16U << 20U;

/// What a frame holds. Values from 16 on belong to the owner of the log.
using RecordType = std::uint16_t;
inline constexpr RecordType batch_type = 1;

/// Identity of a store, in the file `store`: checksums of its segments are bound to `id`, so that a
/// segment of another store is never taken for one of this. `secret` is for the owner (the key of
/// receipt handles).
struct StoreIdentity {
    std::uint64_t id = 0;
    std::array<std::uint8_t, 16> secret{};
    bool operator==(const StoreIdentity&) const = default;
};
inline constexpr const char* identity_name = "store";  // of its file
std::string encode_identity(const StoreIdentity& identity);
/// Nothing when damaged; `version` is what the file says, also when it is not ours.
std::optional<StoreIdentity> decode_identity(std::string_view bytes, std::uint32_t& version);

/// The first bytes of a segment.
struct SegmentHeader {
    std::uint32_t version = format_version;
    std::uint64_t store = 0;
    SegmentNumber number = 0;
    /// Where the segment before this one ends; 0: this is the first.
    std::uint32_t previous_end = 0;
    /// Holds what repair_store() found intact, so it may end elsewhere than its successor says.
    bool repaired = false;
};
std::string encode_header(const SegmentHeader& header);
std::optional<SegmentHeader> decode_header(std::string_view bytes);

std::string segment_name(SegmentNumber number);
/// Nothing for names of other files.
std::optional<SegmentNumber> parse_segment_name(std::string_view name);

/// Size of a frame with padding.
constexpr std::size_t frame_bytes(std::size_t body) {
    return (frame_header_bytes + body + frame_alignment - 1) / frame_alignment * frame_alignment;
}
/// Appends a frame whose checksum is still missing; the committer seals it when it writes.
void append_frame(std::string& out, RecordType type, std::string_view body);
/// Bound to the frame's place, so that a stale or misplaced frame is not valid.
std::uint64_t frame_checksum(std::uint64_t store, Position at, std::string_view frame);
/// Fills in the checksums of all frames in `bytes` from `start` on, where `at` is the place of the
/// first of them.
void seal_frames(std::uint64_t store, Position at, std::string& bytes, std::size_t start = 0);

/// Type and body of the frame at the start of `bytes`, which is known to be one.
RecordType type_of(std::string_view bytes);
std::string_view body_of(std::string_view bytes);
/// Size with padding that the frame at the start of `bytes` claims to have; 0 when that cannot be.
std::size_t claimed_bytes(std::string_view bytes);

struct Frame {
    RecordType type = 0;
    std::string_view body;
    std::size_t bytes = 0;  // with padding
};
/// The frame at the start of `bytes`, when it is there in full and its checksum is right.
std::optional<Frame> read_frame(std::uint64_t store, Position at, std::string_view bytes);

/// Body of the frame in front of every group commit. Who finds a damaged frame looks for a later
/// batch that was written when the damaged bytes were synced already: if there is one, the damage
/// is not a torn tail.
struct BatchBody {
    std::uint64_t commit = 0;  // counts commits of the store
    std::uint32_t bytes = 0;   // of the frames that follow
    std::uint32_t synced = 0;  // this much of the segment was synced before this was written
};
inline constexpr std::size_t batch_body_bytes = 16;
inline constexpr std::size_t batch_frame_bytes = frame_bytes(batch_body_bytes);
void append_batch_frame(std::string& out, const BatchBody& batch);
BatchBody decode_batch(std::string_view body);

}  // namespace tranter::log
