#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace tranter::process {

/// What proc(5) says of a process in /proc/PID/stat.
struct ProcessStat {
    char state = ' ';  // 'Z': it has ended and waits to be waited for
    pid_t parent = 0;
    pid_t session = 0;
    std::uint64_t cpu_ticks = 0;    // of itself, and of children it has waited for
    std::uint64_t start_ticks = 0;  // since the machine was started
    std::uint64_t resident_pages = 0;
};

/// Nothing when there is no such process.
std::optional<ProcessStat> read_stat(pid_t pid);

}  // namespace tranter::process
