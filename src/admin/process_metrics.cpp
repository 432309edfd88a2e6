#include "admin/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace tranter::admin {
namespace {

double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    statm >> size >> resident;
    return static_cast<double>(resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

double open_files() {
    std::error_code error;
    const std::filesystem::directory_iterator files("/proc/self/fd", error);
    if (error) return 0;
    // Not counting the one that looks.
    return static_cast<double>(std::distance(begin(files), end(files)) - 1);
}

}  // namespace

void render_process(Exposition& out, std::string_view version, Instant started) {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    out.header("process_cpu_seconds_total", Exposition::Type::counter, "User and system CPU time.");
    out.sample("process_cpu_seconds_total", {}, seconds(usage.ru_utime) + seconds(usage.ru_stime));
    out.header("process_resident_memory_bytes", Exposition::Type::gauge, "Resident memory.");
    out.sample("process_resident_memory_bytes", {}, resident_bytes());
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    out.header("process_open_fds", Exposition::Type::gauge, "Open file descriptors.");
    out.sample("process_open_fds", {}, open_files());
    out.header("process_max_fds", Exposition::Type::gauge, "File descriptors that may be open.");
    out.sample("process_max_fds", {}, static_cast<double>(files.rlim_cur));
    out.header(
        "process_start_time_seconds", Exposition::Type::gauge, "Start of the process, Unix time."
    );
    out.sample("process_start_time_seconds", {}, static_cast<double>(unix_seconds(started)));
    out.header(
        "tranter_build_info", Exposition::Type::info, "Always 1; the version is in the label."
    );
    out.sample("tranter_build_info", {{"version", version}}, 1);
}

}  // namespace tranter::admin
