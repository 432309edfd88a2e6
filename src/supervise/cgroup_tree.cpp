#include "supervise/cgroup_tree.hpp"

#include "base/descriptor.hpp"
#include "supervise/descendants.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace tranter::supervise {
namespace {

/// In mountinfo a space is \040.
std::string without_octals(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto is_octal = [](char one) {
            return one >= '0' && one <= '7';
        };
        if (text[i] == '\\' && i + 3 < text.size() &&
            std::ranges::all_of(text.substr(i + 1, 3), is_octal)) {
            out += static_cast<char>(
                (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')
            );
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool has_word(const std::string& text, const std::string& word) {
    std::istringstream words(text);
    return std::find(std::istream_iterator<std::string>(words), {}, word) !=
           std::istream_iterator<std::string>();
}

std::vector<pid_t> processes_in(const std::string& directory) {
    std::istringstream lines(kernel_file(directory + "/cgroup.procs"));
    return {std::istream_iterator<pid_t>(lines), {}};
}

/// Whether nobody is left in `directory`.
bool move_ours_away(const std::string& directory) {
    std::vector<pid_t> ours = descendants_of(::getpid());
    ours.push_back(::getpid());
    const auto is_ours = [&](pid_t pid) {
        return std::ranges::find(ours, pid) != ours.end();
    };
    const auto there = processes_in(directory);
    if (!std::ranges::all_of(there, is_ours)) return false;
    const std::string to = directory + "/" + std::string(supervisor_cgroup);
    constexpr mode_t mode = 0755;
    if (::mkdir(to.c_str(), mode) != 0 && errno != EEXIST) return false;
    for (const pid_t pid : there)
        write_kernel_file(to + "/cgroup.procs", std::to_string(pid));
    return processes_in(directory).empty();
}

}  // namespace

std::optional<std::string> own_cgroup(std::string_view mountinfo, std::string_view cgroup) {
    std::string ours;
    std::istringstream groups{std::string(cgroup)};
    for (std::string line; std::getline(groups, line);) {
        if (line.starts_with("0::/")) ours = line.substr(3);
    }
    // One outside of what we may see begins with /../.
    if (ours.empty() || (ours + "/").contains("/../")) return std::nullopt;
    std::istringstream mounts{std::string(mountinfo)};
    for (std::string line; std::getline(mounts, line);) {
        if (!line.contains(" - cgroup2 ")) continue;
        std::istringstream fields(line);
        std::string skipped;
        std::string root;
        std::string place;
        fields >> skipped >> skipped >> skipped >> root >> place;
        root = without_octals(root);
        place = without_octals(place);
        if (place.empty()) continue;
        if (root == "/") root.clear();
        if (!(ours + "/").starts_with(root + "/")) continue;
        std::string below = ours.substr(root.size());
        if (below == "/") below.clear();
        return place + below;
    }
    return std::nullopt;
}

std::string kernel_file(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

int write_kernel_file(const std::string& path, std::string_view text) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return errno;
    return ::write(file.get(), text.data(), text.size()) < 0 ? errno : 0;
}

Result<> enable_controller(const std::string& directory, const std::string& kind) {
    const std::string enabled = directory + "/cgroup.subtree_control";
    if (has_word(kernel_file(enabled), kind)) return {};
    if (!has_word(kernel_file(directory + "/cgroup.controllers"), kind)) {
        return fail(
            Errc::unavailable,
            "control group " + directory + " has no controller " + kind +
                ", which cgroup v1 may hold, or which was not delegated"
        );
    }
    int error = write_kernel_file(enabled, "+" + kind);
    if (error == EBUSY && move_ours_away(directory)) error = write_kernel_file(enabled, "+" + kind);
    if (error == 0) return {};
    std::string text =
        "control group " + directory + " cannot limit " + kind + ": " + std::strerror(error);
    if (error == EBUSY) text += ", there are other processes in it";
    return fail(Errc::unavailable, std::move(text));
}

}  // namespace tranter::supervise
