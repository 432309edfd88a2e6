#pragma once

#include <cstdint>

namespace tranter::log {

/// Where a record starts: number of its segment in the upper 32 bits, offset in the lower. Grows
/// with every append, so it also says what to wait for: a record is durable when the log's durable
/// end has reached its position, because ends are ends of commits, and a commit starts with a batch
/// frame before its first record. 0 is before everything.
using Position = std::uint64_t;
using SegmentNumber = std::uint32_t;  // from 1

constexpr Position make_position(SegmentNumber segment, std::uint32_t offset) {
    return (Position{segment} << 32U) | offset;
}
constexpr SegmentNumber segment_of(Position position) {
    return static_cast<SegmentNumber>(position >> 32U);
}
constexpr std::uint32_t offset_of(Position position) {
    return static_cast<std::uint32_t>(position);
}

}  // namespace tranter::log
