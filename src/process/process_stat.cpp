#include "process/process_stat.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace tranter::process {

std::optional<ProcessStat> read_stat(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(file, line);
    // The second field, a name, may have any character in it.
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream fields(line.substr(name_end + 1));
    ProcessStat out;
    std::string skipped;
    fields >> out.state >> out.parent >> skipped >> out.session;
    for (int field = 7; field < 14; ++field)
        fields >> skipped;
    for (int field = 14; field <= 17; ++field) {
        std::uint64_t ticks = 0;
        fields >> ticks;
        out.cpu_ticks += ticks;
    }
    for (int field = 18; field < 22; ++field)
        fields >> skipped;
    fields >> out.start_ticks >> skipped >> out.resident_pages;
    if (!fields) return std::nullopt;
    return out;
}

}  // namespace tranter::process
