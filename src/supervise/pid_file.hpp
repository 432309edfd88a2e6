#pragma once

#include "base/error.hpp"
#include "process/identity.hpp"

#include <sys/types.h>

#include <optional>
#include <string>

namespace tranter::supervise {

/// Writes a pid in decimal, and a newline, to a file of the user that the program runs as (nothing:
/// ours); see FileAccess. Folders are made. `unavailable` names the file and the reason.
[[nodiscard]] Result<> write_pid_file(
    const std::string& path, pid_t pid, const std::optional<process::Identity>& owner
);

/// Removes it if this pid is still in it: another may have written its own since.
void remove_pid_file(
    const std::string& path, pid_t pid, const std::optional<process::Identity>& owner
);

}  // namespace tranter::supervise
