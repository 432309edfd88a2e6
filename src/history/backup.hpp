#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tranter::history {

/// The history of a data directory is called so there.
inline constexpr std::string_view history_file = "history.db";

struct FileFigures {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
};

// On files that somebody may be writing to, and that stay as they are. Nothing when there is no
// such file; `corrupted` when it is damaged, `unavailable` when it cannot be read or is no history.

[[nodiscard]] Result<std::optional<FileFigures>> look_at_history(const std::string& path);
/// Reads all of it.
[[nodiscard]] Result<std::optional<FileFigures>> check_history(const std::string& path);
/// Copies it, as it is at some moment, to `to`, which is not there yet. The copy is checked and on
/// the disk, its folder the caller's to sync. After an error nothing of it is left.
[[nodiscard]] Result<std::optional<FileFigures>> copy_history(
    const std::string& from, const std::string& to
);

}  // namespace tranter::history
