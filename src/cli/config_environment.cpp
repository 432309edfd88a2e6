#include "base/log_text.hpp"
#include "base/suggest.hpp"
#include "cli/args.hpp"
#include "cli/config_file.hpp"
#include "cli/config_keys.hpp"
#include "cli/config_rules.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace tranter::cli {
namespace {

constexpr std::string_view variable_prefix = "TRANTER_";

ConfigNode::Array split_list(std::string_view text) {
    ConfigNode::Array elements;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        elements.push_back({.value = std::string(text.substr(0, comma)), .position = {}});
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return elements;
}

ConfigNode::Object split_map(std::string_view text) {
    ConfigNode::Object members;
    for (const ConfigNode& element : split_list(text)) {
        const auto& pair = std::get<std::string>(element.value);
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string value = pair.substr(std::min(equals + 1, pair.size()));
        members.push_back(
            {.key = pair.substr(0, equals),
             .node = {.value = value, .position = {}},
             .position = {}}
        );
    }
    return members;
}

// Text that does not have the key's shape stays text, so that the codec says what is wrong.
ConfigNode node_of(std::string_view text, ValueShape shape) {
    ConfigNode node{.value = std::string(text), .position = {}};
    switch (shape) {
        case ValueShape::boolean:
            if (text == "true" || text == "1") node.value = true;
            if (text == "false" || text == "0") node.value = false;
            break;
        case ValueShape::integer: {
            std::int64_t number = 0;
            const char* end = text.data() + text.size();
            const auto [rest, status] = std::from_chars(text.data(), end, number);
            if (status == std::errc() && rest == end) node.value = number;
            break;
        }
        case ValueShape::texts:
            node.value = split_list(text);
            break;
        case ValueShape::text_map:
            node.value = split_map(text);
            break;
        case ValueShape::text:
            break;
    }
    return node;
}

std::unexpected<Error> bad_variable(std::string_view name, std::string_view what) {
    return fail(Errc::invalid_argument, one_line(fmt::format("environment: {}: {}", name, what)));
}

// A variable that is nearly one of ours would silently do nothing.
Result<void> check_spelling(const std::string& name, const std::vector<std::string_view>& names) {
    const std::string_view nearest = find_nearest(name, names);
    if (nearest.empty() || edit_distance(name, nearest) > 2) return {};
    return bad_variable(name, fmt::format("unknown variable, did you mean {}?", nearest));
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) {
        return std::getenv(name.c_str());
    };
}

std::vector<std::string> environment_variables() {
    std::vector<std::string> variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        variables.emplace_back(*variable);
    }
    return variables;
}

Result<void> apply_environment(ServerConfig& config, const std::vector<std::string>& environment) {
    std::vector<std::string> names;
    for (const ServerKey& key : server_keys())
        names.push_back(environment_name(key));
    const std::vector<std::string_view> known(names.begin(), names.end());
    bool changed = false;
    for (const std::string& variable : environment) {
        const std::size_t equals = variable.find('=');
        if (!variable.starts_with(variable_prefix) || equals == std::string::npos) continue;
        const std::string name = variable.substr(0, equals);
        const std::string_view text = std::string_view(variable).substr(equals + 1);
        const auto found = std::ranges::find(names, name);
        if (found == names.end()) {
            if (Result<void> done = check_spelling(name, known); !done) return done;
            continue;
        }
        if (find_invalid_utf8(text) != std::string_view::npos) {
            return bad_variable(name, "is not UTF-8, write plain text");
        }
        const ServerKey& key = server_keys()[static_cast<std::size_t>(found - names.begin())];
        if (key.secret && text.empty())
            return bad_variable(name, "is empty, write a value or unset it");
        const Result<void> done = key.read(node_of(text, key.shape), config);
        if (!done) return bad_variable(name, done.error().message());
        changed = true;
    }
    if (!changed) return {};
    if (const std::optional<ConfigProblem> problem = find_server_problem(config)) {
        return bad_variable(format_path(problem->path), problem->text);
    }
    return {};
}

Result<ServerConfig> load_named_config(const Arguments& arguments) {
    ServerConfig config;
    if (const auto file = arguments.find("config")) {
        auto read = load_config(*file, process_environment());
        if (!read) return std::unexpected(read.error());
        config = std::move(read->config);
    }
    if (auto done = apply_environment(config, environment_variables()); !done) {
        return std::unexpected(done.error());
    }
    return config;
}

}  // namespace tranter::cli
