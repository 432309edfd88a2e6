#include "process/environment.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace tranter::process {
namespace {

bool is_of(std::string_view one, std::string_view name) {
    return one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=';
}

bool is_program(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<std::string_view> find_variable(
    const std::vector<std::string>& environment, std::string_view name
) {
    for (const std::string_view one : environment) {
        if (is_of(one, name)) return one.substr(name.size() + 1);
    }
    return std::nullopt;
}

void remove_variable(std::vector<std::string>& environment, std::string_view name) {
    std::erase_if(environment, [&](const std::string& one) { return is_of(one, name); });
}

void set_variable(
    std::vector<std::string>& environment, std::string_view name, std::string_view value
) {
    remove_variable(environment, name);
    environment.push_back(std::string(name).append("=").append(value));
}

std::string find_program(std::string_view name, const std::vector<std::string>& environment) {
    std::string_view path = find_variable(environment, "PATH").value_or("");
    if (path.empty()) path = "/usr/local/bin:/usr/bin:/bin";
    while (!path.empty() && !name.empty()) {
        const std::size_t end = std::min(path.find(':'), path.size());
        std::string candidate = std::string(path.substr(0, end)).append("/").append(name);
        if (end > 0 && is_program(candidate)) return candidate;
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return {};
}

}  // namespace tranter::process
