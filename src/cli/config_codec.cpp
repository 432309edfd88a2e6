#include "cli/config_codec.hpp"

#include "base/duration.hpp"
#include "base/size.hpp"
#include "base/suggest.hpp"
#include "cli/config_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace tranter::cli {
namespace {

constexpr std::array<std::string_view, 2> redrive_names{"allowAll", "denyAll"};

std::unexpected<Error> bad_value(std::string text) {
    return fail(Errc::invalid_argument, std::move(text));
}

std::unexpected<Error> wrong_kind(const ConfigNode& node, std::string_view wanted) {
    return bad_value(fmt::format("is {}, write {}", kind_of(node), wanted));
}

// A bare number where a unit is needed: nearly always one of two meanings, so name both.
std::unexpected<Error> bare_number(const ConfigNode& node, std::string_view likely) {
    if (const auto* number = std::get_if<std::int64_t>(&node.value)) {
        return bad_value(fmt::format(
            "is {0}, a number without a unit, probably \"{0}{1}\" was meant", *number, likely
        ));
    }
    return bad_value(fmt::format("is a number without a unit, write for example \"30{}\"", likely));
}

bool is_number(const ConfigNode& node) {
    return std::holds_alternative<std::int64_t>(node.value) ||
           std::holds_alternative<double>(node.value);
}

}  // namespace

Result<void> read_bool(const ConfigNode& node, bool& value) {
    const bool* found = std::get_if<bool>(&node.value);
    if (found == nullptr) return wrong_kind(node, "true or false");
    value = *found;
    return {};
}

Result<std::int64_t> read_integer(const ConfigNode& node, std::int64_t min, std::int64_t max) {
    const auto* found = std::get_if<std::int64_t>(&node.value);
    if (found == nullptr) {
        return wrong_kind(node, fmt::format("a whole number from {} to {}", min, max));
    }
    if (*found < min || *found > max) {
        return bad_value(fmt::format("is {}, allowed is {} to {}", *found, min, max));
    }
    return *found;
}

Result<void> read_factor(const ConfigNode& node, double& value) {
    const auto* whole = std::get_if<std::int64_t>(&node.value);
    const auto* fraction = std::get_if<double>(&node.value);
    if (whole == nullptr && fraction == nullptr) {
        return bad_value(fmt::format("is {}, write a number from 1 to 100", kind_of(node)));
    }
    const double factor = whole != nullptr ? static_cast<double>(*whole) : *fraction;
    if (!(factor >= 1 && factor <= 100)) {
        return bad_value(fmt::format("is {}, write a number from 1 to 100", factor));
    }
    value = factor;
    return {};
}

Result<void> read_duration(const ConfigNode& node, DurationRange range, Duration& value) {
    if (is_number(node)) return bare_number(node, "s");
    const auto* text = std::get_if<std::string>(&node.value);
    if (text == nullptr) return wrong_kind(node, "a duration like \"30s\"");
    const Result<Duration> parsed = parse_duration(*text);
    if (!parsed) return std::unexpected(parsed.error());
    if (*parsed < range.min || *parsed > range.max) {
        return bad_value(fmt::format(
            "is \"{}\", allowed is {} to {}",
            *text,
            format_duration(range.min),
            format_duration(range.max)
        ));
    }
    value = *parsed;
    return {};
}

Result<void> read_size(
    const ConfigNode& node, std::uint64_t min, std::uint64_t max, std::uint64_t& value
) {
    if (is_number(node)) return bare_number(node, "B");
    const auto* text = std::get_if<std::string>(&node.value);
    if (text == nullptr) return wrong_kind(node, "a size like \"256KiB\"");
    const Result<std::uint64_t> parsed = parse_size(*text);
    if (!parsed) return std::unexpected(parsed.error());
    if (*parsed < min || *parsed > max) {
        return bad_value(
            fmt::format("is \"{}\", allowed is {} to {}", *text, format_size(min), format_size(max))
        );
    }
    value = *parsed;
    return {};
}

Result<void> read_text(const ConfigNode& node, std::string& value) {
    const auto* text = std::get_if<std::string>(&node.value);
    if (text == nullptr) return wrong_kind(node, "text in quotes");
    value = *text;
    return {};
}

Result<void> read_texts(const ConfigNode& node, std::vector<std::string>& value) {
    const auto* array = std::get_if<ConfigNode::Array>(&node.value);
    if (array == nullptr) return wrong_kind(node, "a list like [\"a\", \"b\"]");
    std::vector<std::string> texts;
    for (const ConfigNode& element : *array) {
        std::string text;
        if (const Result<void> read = read_text(element, text); !read) {
            return bad_value(fmt::format("element {} {}", texts.size() + 1, read.error().message())
            );
        }
        texts.push_back(std::move(text));
    }
    value = std::move(texts);
    return {};
}

Result<void> read_text_map(const ConfigNode& node, std::map<std::string, std::string>& value) {
    const auto* object = std::get_if<ConfigNode::Object>(&node.value);
    if (object == nullptr) return wrong_kind(node, "a table like { name = \"value\" }");
    std::map<std::string, std::string> texts;
    for (const ConfigMember& member : *object) {
        std::string text;
        if (const Result<void> read = read_text(member.node, text); !read) {
            return bad_value(fmt::format("\"{}\" {}", member.key, read.error().message()));
        }
        texts.emplace(member.key, std::move(text));
    }
    value = std::move(texts);
    return {};
}

Result<void> read_endpoint(const ConfigNode& node, Endpoint& value) {
    if (is_number(node)) return wrong_kind(node, "an address and a port like \"127.0.0.1:9324\"");
    std::string text;
    if (Result<void> read = read_text(node, text); !read) return read;
    Result<Endpoint> endpoint = parse_endpoint(text);
    if (!endpoint) return std::unexpected(endpoint.error());
    value = std::move(*endpoint);
    return {};
}

Result<void> read_redrive_allow(const ConfigNode& node, RedriveAllowConfig& value) {
    if (std::holds_alternative<ConfigNode::Array>(node.value)) {
        value.permission = RedrivePermission::by_queue;
        return read_texts(node, value.sources);
    }
    const Result<std::size_t> index = read_name(node, redrive_names);
    if (!index) return std::unexpected(index.error());
    value = {.permission = static_cast<RedrivePermission>(*index), .sources = {}};
    return {};
}

Result<std::size_t> read_name(const ConfigNode& node, std::span<const std::string_view> names) {
    const auto* text = std::get_if<std::string>(&node.value);
    if (text == nullptr) return wrong_kind(node, fmt::format("one of {}", describe_names(names)));
    const auto found = std::ranges::find(names, std::string_view(*text));
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    return bad_value(fmt::format(
        "is \"{}\"{}, use one of {}", *text, did_you_mean(*text, names), describe_names(names)
    ));
}

std::string toml_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out.append(1, '\\').append(1, c);
        } else if (c == '\n') {
            out += "\\n";
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            fmt::format_to(std::back_inserter(out), "\\u{:04X}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out += '"';
}

std::string toml_key(std::string_view key) {
    return !key.empty() && consists_of(key, "-_") ? std::string(key) : toml_text(key);
}

std::string toml_texts(const std::vector<std::string>& texts) {
    std::vector<std::string> quoted;
    for (const std::string& text : texts)
        quoted.push_back(toml_text(text));
    return fmt::format("[{}]", fmt::join(quoted, ", "));
}

std::string toml_text_map(const std::map<std::string, std::string>& texts) {
    if (texts.empty()) return "{}";
    std::vector<std::string> pairs;
    for (const auto& [key, text] : texts)
        pairs.push_back(toml_key(key) + " = " + toml_text(text));
    return fmt::format("{{ {} }}", fmt::join(pairs, ", "));
}

std::string toml_redrive_allow(const RedriveAllowConfig& value) {
    if (value.permission == RedrivePermission::by_queue) return toml_texts(value.sources);
    return toml_text(redrive_names[static_cast<std::size_t>(value.permission)]);
}

std::string toml_duration(Duration value) {
    return toml_text(format_duration(value));
}

/// With a fraction even if there is none, so that it stays a number with one.
std::string toml_factor(double value) {
    const std::string text = fmt::format("{}", value);
    return text.contains('.') ? text : text + ".0";
}

std::string toml_size(std::uint64_t value) {
    return toml_text(format_size(value));
}

std::string describe_duration(DurationRange range) {
    return fmt::format(
        "duration, {} to {}", format_duration(range.min), format_duration(range.max)
    );
}

std::string describe_size(std::uint64_t min, std::uint64_t max) {
    return fmt::format("size, {} to {}", format_size(min), format_size(max));
}

std::string describe_integer(std::int64_t min, std::int64_t max) {
    return fmt::format("integer, {} to {}", min, max);
}

std::string describe_names(std::span<const std::string_view> names) {
    return fmt::format("`{}`", fmt::join(names, "`, `"));
}

}  // namespace tranter::cli
