#pragma once

#include "base/error.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

/// The files of cgroup v2. For cgroup.cpp.
namespace tranter::supervise {

/// Where the group of a process is in the file system, by /proc/PID/mountinfo and /proc/PID/cgroup
/// of it; nothing when it is not to be seen.
std::optional<std::string> own_cgroup(std::string_view mountinfo, std::string_view cgroup);

/// All of a file of the kernel; empty when it cannot be read.
std::string kernel_file(const std::string& path);
/// An error number, 0: written.
int write_kernel_file(const std::string& path, std::string_view text);

/// Lets groups below `directory`, in which we are, have limits of one kind ("memory"), see
/// Cgroups::make(). `unavailable` says why that cannot be.
[[nodiscard]] Result<> enable_controller(const std::string& directory, const std::string& kind);

/// Where processes of ours are moved to.
constexpr std::string_view supervisor_cgroup = "tranter-supervisor";

}  // namespace tranter::supervise
