#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tranter::cli {

/// Where something stands in a configuration. `file` counts the files of one load: 0 is the one
/// that was named, others are its includes. Line and column start at 1.
struct ConfigPosition {
    std::uint32_t file = 0;
    std::uint32_t line = 1;
    std::uint32_t column = 1;
};

struct ConfigMember;

/// A value of a configuration file, whatever its syntax.
struct ConfigNode {
    using Array = std::vector<ConfigNode>;
    using Object = std::vector<ConfigMember>;  ///< keys are unique
    using Value =
        std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object>;

    Value value;  // no {}: clang would want a complete ConfigMember for it
    ConfigPosition position{};
};

struct ConfigMember {
    std::string key;
    ConfigNode node;
    ConfigPosition position{};  ///< of the key
};

/// "text", "number", "boolean", ...: what the value is, for error texts.
std::string_view kind_of(const ConfigNode& node);

/// The names that lead to a value: {"queues", "orders", "delay"}.
using ConfigPath = std::vector<std::string>;

/// `queues.orders.delay`, with quotes around names that need them.
std::string format_path(const ConfigPath& path);

/// Where each key was written, so that rules about several keys can name a line.
using ConfigPositions = std::map<ConfigPath, ConfigPosition>;

/// The position of the path or else of the nearest table around it.
ConfigPosition find_position(const ConfigPositions& positions, ConfigPath path);

}  // namespace tranter::cli
