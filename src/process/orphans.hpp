#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::process {

/// From now on processes whose parents end become children of this process, so that what left its
/// session (setsid, double fork) can be found. `false` when the kernel refuses.
bool adopt_orphans();

/// Children of this process by pid, whether they run or wait to be waited for.
std::vector<pid_t> list_children();

/// Those of them that have ended and wait to be waited for.
std::vector<pid_t> list_zombies();

/// The value of a variable in the environment that a process was started with; empty when it has
/// none or cannot be read.
std::string initial_variable(pid_t pid, std::string_view name);

/// When a process was started, in clock ticks since the machine was; 0 when it is gone.
std::uint64_t start_ticks(pid_t pid);
/// Now, on that clock.
std::uint64_t ticks_now();

/// Kills the children that run and for which `is_foreign` is true, and takes them. What they
/// started comes to us next, so it goes on until there are none, at most `rounds_max` times.
/// Returns how many were killed.
std::size_t kill_orphans(const std::function<bool(pid_t)>& is_foreign, int rounds_max = 8);

}  // namespace tranter::process
