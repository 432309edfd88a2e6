#include "cli/config_node.hpp"

#include "cli/config_rules.hpp"

#include <array>

namespace tranter::cli {
std::string_view kind_of(const ConfigNode& node) {
    constexpr std::array<std::string_view, 7> names{
        "a date or null", "a boolean", "a number", "a number", "text", "a list", "a table"};
    return names[node.value.index()];
}

std::string format_path(const ConfigPath& path) {
    std::string out;
    for (const std::string& key : path) {
        if (!out.empty()) out += '.';
        if (!key.empty() && consists_of(key, "-_")) {
            out += key;
        } else {
            out.append(1, '"').append(key).append(1, '"');
        }
    }
    return out;
}

ConfigPosition find_position(const ConfigPositions& positions, ConfigPath path) {
    while (!path.empty()) {
        if (const auto found = positions.find(path); found != positions.end()) {
            return found->second;
        }
        path.pop_back();
    }
    return {};
}

}  // namespace tranter::cli
