#pragma once

#include "log/log.hpp"

#include <cstdint>
#include <filesystem>

namespace tranter::storage {

/// What a log on a file system of this size is opened with: segments of the wanted size, but at
/// most 1/32 of the file system and at least 1 MiB; a reserve of two segments, but at most 5 % of
/// the file system. A file system of size 0 did not say how large it is and limits nothing.
log::LogOptions fit_log_options(log::LogOptions wanted, std::uint64_t file_system_bytes);

/// 0 when it does not say.
std::uint64_t file_system_bytes(const std::filesystem::path& path);

}  // namespace tranter::storage
