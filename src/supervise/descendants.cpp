#include "supervise/descendants.hpp"

#include "process/process_stat.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace tranter::supervise {
namespace {

/// A list that the kernel keeps, so no other process has to be looked at. Each thread has its own.
void append_children(pid_t parent, std::vector<pid_t>& out) {
    const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
    std::error_code failed;
    for (std::filesystem::directory_iterator task(tasks, failed), end; !failed && task != end;
         task.increment(failed)) {
        std::ifstream children(task->path() / "children");
        for (pid_t child = 0; children >> child;)
            out.push_back(child);
    }
}

}  // namespace

std::vector<pid_t> children_of(pid_t parent) {
    std::vector<pid_t> out;
    append_children(parent, out);
    return out;
}

std::vector<pid_t> descendants_of(pid_t ancestor) {
    std::vector<pid_t> out;
    append_children(ancestor, out);
    for (std::size_t i = 0; i < out.size(); ++i)
        append_children(out[i], out);
    return out;
}

ResourceUse use_of(const std::vector<pid_t>& processes) {
    const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const auto tick_micros = 1'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    ResourceUse use;
    for (const pid_t pid : processes) {
        const auto stat = process::read_stat(pid);
        if (!stat || stat->state == 'Z') continue;
        use.memory_bytes += stat->resident_pages * page_bytes;
        use.cpu_micros += stat->cpu_ticks * tick_micros;
        ++use.processes;
    }
    return use;
}

}  // namespace tranter::supervise
