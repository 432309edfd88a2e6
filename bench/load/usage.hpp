#pragma once

#include <sys/types.h>

#include <cstdint>

namespace tranter::bench {

/// What a process has used so far. CPU times are in seconds; memory in bytes.
struct Usage {
    double cpu{};   // user + system of all living threads, to the nanosecond
    double user{};  // the same in clock ticks, which is coarse: for the share only
    double system{};
    std::uint64_t rss{};
};

/// Usage of another process, from /proc. Throws std::runtime_error when there is no such process.
[[nodiscard]] Usage usage_of(pid_t pid);
/// CPU seconds of another process and its children, also of those that have ended. Of these, and of
/// a process that ends meanwhile, to the clock tick.
[[nodiscard]] double cpu_with_children(pid_t pid);

/// CPU seconds (user + system) of this process.
[[nodiscard]] double own_cpu();

/// Now on the monotonic clock, in nanoseconds.
[[nodiscard]] std::uint64_t now_ns();

}  // namespace tranter::bench
