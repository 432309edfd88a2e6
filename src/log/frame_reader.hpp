#pragma once

#include "log/disk.hpp"
#include "log/format.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::log {

/// Reads one segment's frames through a window of memory, forwards.
class FrameReader {
  public:
    FrameReader(
        const File& file,
        std::uint64_t store,
        SegmentNumber number,
        std::uint64_t size,
        std::size_t window_bytes = 1U << 20U
    )
        : file_(file), store_(store), number_(number), size_(size), window_bytes_(window_bytes) {}

    std::uint64_t size() const { return size_; }

    /// At least `wanted` bytes from `offset` on, fewer at the end of the file. Valid until the next
    /// call.
    std::string_view bytes(std::uint64_t offset, std::size_t wanted) {
        wanted = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, left(offset)));
        if (offset < start_ || offset + wanted > start_ + window_.size()) {
            window_.resize(static_cast<std::size_t>(
                std::min<std::uint64_t>(std::max(wanted, window_bytes_), left(offset))
            ));
            window_.resize(file_.read(offset, window_));
            start_ = offset;
        }
        return std::string_view(window_).substr(static_cast<std::size_t>(offset - start_));
    }

    /// The intact frame at this offset.
    std::optional<Frame> frame(std::uint64_t offset) {
        const std::string_view head = bytes(offset, frame_header_bytes);
        const std::size_t wanted = claimed_bytes(head);
        if (wanted == 0 || wanted > left(offset)) return std::nullopt;
        const Position at = make_position(number_, static_cast<std::uint32_t>(offset));
        return read_frame(store_, at, bytes(offset, wanted));
    }

  private:
    std::uint64_t left(std::uint64_t offset) const { return offset < size_ ? size_ - offset : 0; }

    const File& file_;
    std::uint64_t store_;
    SegmentNumber number_;
    std::uint64_t size_;
    std::size_t window_bytes_;
    std::uint64_t start_ = 0;
    std::string window_;
};

}  // namespace tranter::log
