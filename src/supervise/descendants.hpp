#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace tranter::supervise {

/// What `ancestor` has started, and what that has started, in whatever group and session it is, the
/// ancestor itself left out. Complete for processes that `ancestor` adopts
/// (PR_SET_CHILD_SUBREAPER), as far as they were there when it began to look; zombies are among
/// them.
std::vector<pid_t> descendants_of(pid_t ancestor);

/// What it has started itself, or adopted; zombies are among them. Does not look at others, so it
/// costs the same on a machine with many.
std::vector<pid_t> children_of(pid_t parent);

struct ResourceUse {
    std::uint64_t memory_bytes = 0;  // resident; what processes share counts for each
    std::uint64_t cpu_micros = 0;    // of those that run, and of children they have waited for
    std::uint32_t processes = 0;

    bool operator==(const ResourceUse&) const = default;
};

/// Of all of them together; those that are gone meanwhile count nothing.
ResourceUse use_of(const std::vector<pid_t>& processes);

/// Resident memory of all of them together, of pages that several share only the share of each
/// (PSS), so that a program which forks is not counted once for each process. Whom we may not ask
/// that counts as in use_of(). The kernel looks at all their pages: a millisecond for 100 MB.
std::uint64_t memory_without_sharing(const std::vector<pid_t>& processes);

}  // namespace tranter::supervise
