#include "supervise/descendants.hpp"

#include "base/descriptor.hpp"
#include "process/process_stat.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tranter::supervise {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

/// Numbers with blanks between them. A keeper asks between a crash and the next start, and has none
/// of the pages yet that a stream would need.
void append_numbers(const Descriptor& file, std::vector<pid_t>& out) {
    std::array<char, 4096> text;
    pid_t number = 0;
    for (ssize_t got = 0; file && (got = ::read(file.get(), text.data(), text.size())) > 0;) {
        for (const char c : std::string_view(text.data(), static_cast<std::size_t>(got))) {
            if (c >= '0' && c <= '9') {
                number = number * 10 + (c - '0');
            } else if (number > 0) {
                out.push_back(std::exchange(number, 0));
            }
        }
    }
    if (number > 0) out.push_back(number);
}

/// A list that the kernel keeps, so no other process has to be looked at. Each thread has its own.
void append_children(pid_t parent, std::vector<pid_t>& out) {
    const std::string path = "/proc/" + std::to_string(parent) + "/task";
    const std::unique_ptr<DIR, CloseDirectory> tasks(::opendir(path.c_str()));
    if (!tasks) return;
    while (const dirent* const task = ::readdir(tasks.get())) {  // NOLINT(concurrency-mt-unsafe)
        if (task->d_name[0] == '.') continue;
        const std::string children = std::string(task->d_name) + "/children";
        append_numbers(
            Descriptor(::openat(::dirfd(tasks.get()), children.c_str(), O_RDONLY | O_CLOEXEC)), out
        );
    }
}

/// "Pss:                1234 kB" of smaps_rollup, in bytes.
std::optional<std::uint64_t> proportional_bytes(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    constexpr std::string_view name = "Pss:";
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(name))
            return std::strtoull(line.c_str() + name.size(), nullptr, 10) << 10;
    }
    return std::nullopt;
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

std::uint64_t memory_without_sharing(const std::vector<pid_t>& processes) {
    std::uint64_t bytes = 0;
    for (const pid_t pid : processes)
        bytes += proportional_bytes(pid).value_or(use_of({pid}).memory_bytes);
    return bytes;
}

}  // namespace tranter::supervise
