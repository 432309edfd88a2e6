#include "storage/machine.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

namespace tranter::storage {
namespace {

/// Of the control group at the root, which is what a container sees of its own: version 2, then 1.
constexpr const char* limit_files[] = {
    "sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"};

}  // namespace

std::uint64_t machine_memory(const std::filesystem::path& root) {
    const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
    std::uint64_t bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    for (const char* file : limit_files) {
        std::uint64_t limit = 0;
        // "max", or a number beyond every machine, is no limit.
        if (std::ifstream(root / file) >> limit && limit > 0) bytes = std::min(bytes, limit);
    }
    return bytes;
}

unsigned usable_cores() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (::sched_getaffinity(0, sizeof cores, &cores) == 0) {
        return static_cast<unsigned>(std::max(1, CPU_COUNT(&cores)));
    }
    return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace tranter::storage
