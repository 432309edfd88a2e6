#include "admin/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace tranter::admin {
namespace {

double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    statm >> size >> resident;
    return static_cast<double>(resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
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
    out.header(
        "process_start_time_seconds", Exposition::Type::gauge, "Start of the process, Unix time."
    );
    out.sample("process_start_time_seconds", {}, static_cast<double>(unix_seconds(started)));
    out.header(
        "tranter_build_info", Exposition::Type::gauge, "Always 1; the version is in the label."
    );
    out.sample("tranter_build_info", {{"version", version}}, 1);
}

}  // namespace tranter::admin
