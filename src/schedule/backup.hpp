#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::schedule {

/// The store of schedules of a data directory is called so there.
inline constexpr std::string_view schedules_file = "schedules.db";

struct StoreFileFigures {
    std::uint64_t schedules = 0;
    std::uint64_t waiting_jobs = 0;  // jobs for later
    std::uint64_t bytes = 0;
};

// On files that somebody may be writing to, and that stay as they are. Nothing when there is no
// such file; `corrupted` when it is damaged, `unavailable` when it cannot be read or is no store of
// schedules.

[[nodiscard]] Result<std::optional<StoreFileFigures>> look_at_store_file(const std::string& path);
/// Reads all of it.
[[nodiscard]] Result<std::optional<StoreFileFigures>> check_store_file(const std::string& path);
/// Copies it, as it is at some moment, to `to`, which is not there yet. The copy is checked and on
/// the disk, its folder the caller's to sync. After an error nothing of it is left.
[[nodiscard]] Result<std::optional<StoreFileFigures>> copy_store_file(
    const std::string& from, const std::string& to
);

}  // namespace tranter::schedule
