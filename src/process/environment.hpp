#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// An environment is a list of "NAME=value", as SpawnOptions wants it.
namespace tranter::process {

/// The value of a variable, valid as long as the list is; nothing when it is not there.
std::optional<std::string_view> find_variable(
    const std::vector<std::string>& environment, std::string_view name
);
void remove_variable(std::vector<std::string>& environment, std::string_view name);
void set_variable(
    std::vector<std::string>& environment, std::string_view name, std::string_view value
);

/// Where PATH of `environment`, or the usual one without it, has a program of this name, which has
/// no slash; empty: nowhere.
std::string find_program(std::string_view name, const std::vector<std::string>& environment);

}  // namespace tranter::process
