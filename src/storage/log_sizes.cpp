#include "storage/log_sizes.hpp"

#include <sys/statvfs.h>

#include <algorithm>

namespace tranter::storage {
namespace {

constexpr std::uint64_t segment_bytes_min = 1U << 20U;
constexpr std::uint64_t segments_per_file_system = 32;
constexpr std::uint64_t reserved_part = 20;  // one of so many: 5 %

}  // namespace

log::LogOptions fit_log_options(log::LogOptions wanted, std::uint64_t file_system_bytes) {
    log::LogOptions fitting = wanted;
    std::uint64_t segment = wanted.segment_bytes;
    if (file_system_bytes > 0) {
        segment = std::min(segment, file_system_bytes / segments_per_file_system);
    }
    segment = std::max(segment, segment_bytes_min);
    fitting.segment_bytes = static_cast<std::uint32_t>(segment);
    fitting.reserve_bytes = 2 * segment;
    if (file_system_bytes > 0) {
        fitting.reserve_bytes = std::min(fitting.reserve_bytes, file_system_bytes / reserved_part);
    }
    return fitting;
}

std::uint64_t file_system_bytes(const std::filesystem::path& path) {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0) return 0;
    return std::uint64_t{info.f_blocks} * info.f_frsize;
}

}  // namespace tranter::storage
