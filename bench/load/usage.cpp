#include "load/usage.hpp"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace tranter::bench {
namespace {

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// The fields of /proc/PID/stat from utime on.
std::istringstream times_of(pid_t pid) {
    const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    // The second field is the command in parentheses and may contain anything, spaces included.
    const auto command_end = stat.rfind(')');
    if (command_end == stat.npos) {
        throw std::runtime_error("there is no process " + std::to_string(pid));
    }
    std::istringstream fields(stat.substr(command_end + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i)
        fields >> skipped;  // state to cmajflt
    return fields;
}

}  // namespace

Usage usage_of(pid_t pid) {
    const std::filesystem::path process = "/proc/" + std::to_string(pid);
    std::istringstream fields = times_of(pid);
    Usage usage;
    fields >> usage.user >> usage.system;
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    usage.user /= ticks;
    usage.system /= ticks;

    for (const auto& task : std::filesystem::directory_iterator(process / "task")) {
        std::istringstream schedstat(read_file(task.path() / "schedstat"));
        double on_cpu_ns = 0;
        schedstat >> on_cpu_ns;
        usage.cpu += on_cpu_ns / 1e9;
    }
    std::istringstream statm(read_file(process / "statm"));
    std::uint64_t total_pages = 0;
    std::uint64_t resident_pages = 0;
    statm >> total_pages >> resident_pages;
    usage.rss = resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    return usage;
}

double cpu_with_children(pid_t pid) {
    double total = usage_of(pid).cpu;
    std::istringstream fields = times_of(pid);
    double user = 0;
    double system = 0;
    double ended_user = 0;
    double ended_system = 0;
    fields >> user >> system >> ended_user >> ended_system;
    total += (ended_user + ended_system) / static_cast<double>(sysconf(_SC_CLK_TCK));
    const std::string id = std::to_string(pid);
    std::istringstream children(read_file("/proc/" + id + "/task/" + id + "/children"));
    for (pid_t child = 0; children >> child;) {
        try {
            total += usage_of(child).cpu;
        } catch (const std::exception&) {
            // It has ended, and counts with the others that have from now on.
        }
    }
    return total;
}

double own_cpu() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace tranter::bench
