#include "appfile/programs.hpp"

#include "base/descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace tranter::appfile {
namespace {

bool is_regular_file(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

std::optional<std::string> find_variable(
    const std::vector<std::string>& environment, std::string_view name
) {
    for (const std::string_view one : environment) {
        if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=') {
            return std::string(one.substr(name.size() + 1));
        }
    }
    return {};
}

std::string find_program(std::string_view name, const std::vector<std::string>& environment) {
    const std::string all =
        find_variable(environment, "PATH").value_or("/usr/local/bin:/usr/bin:/bin");
    std::string_view path = all;
    while (!path.empty() && !name.empty()) {
        const std::size_t end = std::min(path.find(':'), path.size());
        const std::string candidate = std::string(path.substr(0, end)).append("/").append(name);
        if (end > 0 && is_regular_file(candidate) && ::access(candidate.c_str(), X_OK) == 0) {
            return candidate;
        }
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return {};
}

std::string expand_home(std::string_view path, const std::vector<std::string>& environment) {
    if (path != "~" && !path.starts_with("~/")) return std::string(path);
    return find_variable(environment, "HOME").value_or("").append(path.substr(1));
}

ScriptFile look_at(const std::string& path) {
    ScriptFile out;
    if (!is_regular_file(path)) return out;
    out.kind = ScriptFile::Kind::text;
    out.is_executable = ::access(path.c_str(), X_OK) == 0;
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::array<char, 512> bytes{};
    const ssize_t got = file ? ::read(file.get(), bytes.data(), bytes.size()) : 0;
    const std::string_view start(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (start.starts_with("#!")) {
        out.kind = ScriptFile::Kind::script;
        out.interpreter = start.substr(2, std::min(start.find('\n'), start.size()) - 2);
    } else if (start.contains('\0')) {
        out.kind = ScriptFile::Kind::binary;
    }
    return out;
}

}  // namespace tranter::appfile
