#include "appfile/programs.hpp"

#include "base/descriptor.hpp"
#include "process/environment.hpp"

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

std::string expand_home(std::string_view path, const std::vector<std::string>& environment) {
    if (path != "~" && !path.starts_with("~/")) return std::string(path);
    const auto home = process::find_variable(environment, "HOME");
    return std::string(home.value_or("")).append(path.substr(1));
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
