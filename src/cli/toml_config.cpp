#include "cli/toml_config.hpp"

#include "base/log_text.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

namespace tranter::cli {
namespace {

// toml++ bounds nested values but not dotted keys, and frees tables recursively.
constexpr std::size_t key_dots_max = 200;

ConfigPosition position_of(const toml::source_region& region) {
    return {.file = 0, .line = region.begin.line, .column = region.begin.column};
}

ConfigNode convert(const toml::node& node);

ConfigNode::Object convert_members(const toml::table& table) {
    ConfigNode::Object members;
    members.reserve(table.size());
    for (const auto& [key, node] : table) {
        members.push_back({
            .key = std::string(key.str()),
            .node = convert(node),
            .position = position_of(key.source()),
        });
    }
    return members;
}

ConfigNode convert(const toml::node& node) {
    ConfigNode out{.value = {}, .position = position_of(node.source())};
    if (const toml::table* table = node.as_table()) {
        out.value = convert_members(*table);
    } else if (const toml::array* array = node.as_array()) {
        ConfigNode::Array elements;
        elements.reserve(array->size());
        for (const toml::node& element : *array)
            elements.push_back(convert(element));
        out.value = std::move(elements);
    } else if (const auto* text = node.as_string()) {
        out.value = text->get();
    } else if (const auto* integer = node.as_integer()) {
        out.value = integer->get();
    } else if (const auto* number = node.as_floating_point()) {
        out.value = number->get();
    } else if (const auto* boolean = node.as_boolean()) {
        out.value = boolean->get();
    }
    return out;
}

std::size_t longest_dotted_run(std::string_view text) {
    std::size_t longest = 0;
    std::size_t dots = 0;
    for (const char c : text) {
        if (c == '.') {
            longest = std::max(longest, ++dots);
        } else if (std::string_view("=,\n[]{}").find(c) != std::string_view::npos) {
            dots = 0;
        }
    }
    return longest;
}

}  // namespace

Result<ConfigNode> parse_toml(std::string_view text, const std::string& name) {
    if (longest_dotted_run(text) > key_dots_max) {
        return fail(
            Errc::invalid_argument,
            fmt::format("{}: has more than {} dots in one key or value", name, key_dots_max)
        );
    }
    try {
        const toml::table table = toml::parse(text);
        return ConfigNode{.value = convert_members(table), .position = {}};
    } catch (const toml::parse_error& error) {
        // The library speaks in sentences with a capital letter.
        std::string what = one_line(error.description());
        if (!what.empty() && what[0] >= 'A' && what[0] <= 'Z') {
            what[0] = static_cast<char>(what[0] - 'A' + 'a');
        }
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "{}:{}:{}: {}", name, error.source().begin.line, error.source().begin.column, what
            )
        );
    }
}

Result<ServerConfig> parse_toml_config(
    std::string_view text, const ConfigSource& source, const Environment& env
) {
    const Result<ConfigNode> root = parse_toml(text, source.name);
    if (!root) return std::unexpected(root.error());
    return read_toml_tree(*root, source, env);
}

}  // namespace tranter::cli
