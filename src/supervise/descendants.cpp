#include "supervise/descendants.hpp"

#include "base/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace tranter::supervise {
namespace {

std::string read_file(const std::string& path) {
    std::string out;
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> bytes;  // NOLINT(*-member-init): filled by read
    ssize_t got = 0;
    while (file && (got = ::read(file.get(), bytes.data(), bytes.size())) > 0)
        out.append(bytes.data(), static_cast<std::size_t>(got));
    return out;
}

/// Takes the next word, and the number that it is; 0 for one that is none.
std::uint64_t next_number(std::string_view& text) {
    const std::size_t begin = std::min(text.find_first_not_of(" \n"), text.size());
    text.remove_prefix(begin);
    std::uint64_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    text.remove_prefix(std::min(text.find_first_of(" \n"), text.size()));
    return number;
}

/// A list that the kernel keeps, so no other process has to be looked at. Each thread has its own.
void append_children(pid_t parent, std::vector<pid_t>& out) {
    const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
    std::error_code failed;
    for (std::filesystem::directory_iterator task(tasks, failed), end; !failed && task != end;
         task.increment(failed)) {
        const std::string text = read_file(task->path().string() + "/children");
        for (std::string_view rest = text; rest.find_first_of("0123456789") != rest.npos;)
            out.push_back(static_cast<pid_t>(next_number(rest)));
    }
}

}  // namespace

std::vector<pid_t> descendants_of(pid_t ancestor) {
    std::vector<pid_t> out;
    append_children(ancestor, out);
    for (std::size_t i = 0; i < out.size(); ++i)
        append_children(out[i], out);
    return out;
}

ResourceUse use_of(const std::vector<pid_t>& processes) {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const auto tick = 1'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    ResourceUse use;
    for (const pid_t pid : processes) {
        const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
        const std::size_t name_end = stat.rfind(')');
        if (name_end == std::string::npos) continue;
        // Behind the name: the state, then numbers from the fourth field of proc(5) on.
        std::string_view rest = std::string_view(stat).substr(name_end + 1);
        if (rest.size() < 3 || rest[1] == 'Z') continue;
        rest.remove_prefix(3);
        for (int field = 4; field < 14; ++field)
            next_number(rest);
        for (int field = 14; field <= 17; ++field)
            use.cpu_micros += next_number(rest) * tick;
        for (int field = 18; field < 24; ++field)
            next_number(rest);
        use.memory_bytes += next_number(rest) * page;
        ++use.processes;
    }
    return use;
}

}  // namespace tranter::supervise
