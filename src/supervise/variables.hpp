#pragma once

#include <string>
#include <string_view>
#include <vector>

/// An environment is a list of "NAME=value", as process::SpawnOptions wants it.
namespace tranter::supervise {

inline void remove_variable(std::vector<std::string>& environment, std::string_view name) {
    std::erase_if(environment, [&](const std::string& one) {
        return one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=';
    });
}

inline void set_variable(
    std::vector<std::string>& environment, std::string_view name, std::string_view value
) {
    remove_variable(environment, name);
    environment.push_back(std::string(name) + "=" + std::string(value));
}

}  // namespace tranter::supervise
