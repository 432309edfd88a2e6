#pragma once

#include "cli/config_node.hpp"
#include "cli/server_config.hpp"

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// How each type of configuration value is read from a file, written back as TOML and described
/// in the documentation. A codec is a struct of `shape` and the static functions
/// `read(node, value)`, `write(value)`, `describe()`. Errors say what was found and what would be
/// right; the caller adds file, line and key.
namespace tranter::cli {

/// What kind of text stands for a value outside of TOML, in a TRANTER_* variable.
enum class ValueShape : std::uint8_t { boolean, integer, text, texts, text_map };

struct DurationRange {
    Duration min{};
    Duration max{};
};

[[nodiscard]] Result<void> read_bool(const ConfigNode& node, bool& value);
[[nodiscard]] Result<std::int64_t> read_integer(
    const ConfigNode& node, std::int64_t min, std::int64_t max
);
[[nodiscard]] Result<void> read_factor(const ConfigNode& node, double& value);
[[nodiscard]] Result<void> read_duration(
    const ConfigNode& node, DurationRange range, Duration& value
);
[[nodiscard]] Result<void> read_size(
    const ConfigNode& node, std::uint64_t min, std::uint64_t max, std::uint64_t& value
);
[[nodiscard]] Result<void> read_text(const ConfigNode& node, std::string& value);
[[nodiscard]] Result<void> read_texts(const ConfigNode& node, std::vector<std::string>& value);
[[nodiscard]] Result<void> read_text_map(
    const ConfigNode& node, std::map<std::string, std::string>& value
);
[[nodiscard]] Result<void> read_endpoint(const ConfigNode& node, Endpoint& value);
[[nodiscard]] Result<void> read_redrive_allow(const ConfigNode& node, RedriveAllowConfig& value);
/// The index of a word among `names`.
[[nodiscard]] Result<std::size_t> read_name(
    const ConfigNode& node, std::span<const std::string_view> names
);

/// TOML spellings. A key is bare where it can be.
std::string toml_key(std::string_view key);
std::string toml_text(std::string_view text);
std::string toml_texts(const std::vector<std::string>& texts);
std::string toml_text_map(const std::map<std::string, std::string>& texts);
std::string toml_redrive_allow(const RedriveAllowConfig& value);
std::string toml_duration(Duration value);
std::string toml_size(std::uint64_t value);
std::string toml_factor(double value);

std::string describe_duration(DurationRange range);
std::string describe_size(std::uint64_t min, std::uint64_t max);
std::string describe_integer(std::int64_t min, std::int64_t max);
std::string describe_names(std::span<const std::string_view> names);

struct BoolCodec {
    static constexpr ValueShape shape = ValueShape::boolean;

    static Result<void> read(const ConfigNode& node, bool& value) { return read_bool(node, value); }
    static std::string write(bool value) { return value ? "true" : "false"; }
    static std::string describe() { return "boolean"; }
};

template <std::int64_t min, std::int64_t max>
struct IntegerCodec {
    static constexpr ValueShape shape = ValueShape::integer;

    template <std::integral T>
    static Result<void> read(const ConfigNode& node, T& value) {
        const Result<std::int64_t> number = read_integer(node, min, max);
        if (!number) return std::unexpected(number.error());
        value = static_cast<T>(*number);
        return {};
    }
    static std::string write(std::integral auto value) { return std::to_string(value); }
    static std::string describe() { return describe_integer(min, max); }
};

/// The range in seconds.
template <std::int64_t min, std::int64_t max>
struct DurationCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static constexpr DurationRange range{std::chrono::seconds(min), std::chrono::seconds(max)};

    static Result<void> read(const ConfigNode& node, Duration& value) {
        return read_duration(node, range, value);
    }
    static std::string write(Duration value) { return toml_duration(value); }
    static std::string describe() { return describe_duration(range); }
};

template <std::uint64_t min, std::uint64_t max>
struct SizeCodec {
    static constexpr ValueShape shape = ValueShape::text;

    template <std::unsigned_integral T>
    static Result<void> read(const ConfigNode& node, T& value) {
        static_assert(max <= std::numeric_limits<T>::max());
        std::uint64_t size = 0;
        if (Result<void> done = read_size(node, min, max, size); !done) return done;
        value = static_cast<T>(size);
        return {};
    }
    static std::string write(std::uint64_t value) { return toml_size(value); }
    static std::string describe() { return describe_size(min, max); }
};

/// A number from 1 to 100, with or without a fraction.
struct FactorCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static Result<void> read(const ConfigNode& node, double& value) {
        return read_factor(node, value);
    }
    static std::string write(double value) { return toml_factor(value); }
    static std::string describe() { return "number, 1 to 100"; }
};

struct TextCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static Result<void> read(const ConfigNode& node, std::string& value) {
        return read_text(node, value);
    }
    static std::string write(const std::string& value) { return toml_text(value); }
    static std::string describe() { return "text"; }
};

struct TextsCodec {
    static constexpr ValueShape shape = ValueShape::texts;

    static Result<void> read(const ConfigNode& node, std::vector<std::string>& value) {
        return read_texts(node, value);
    }
    static std::string write(const std::vector<std::string>& value) { return toml_texts(value); }
    static std::string describe() { return "list of text"; }
};

struct TextMapCodec {
    static constexpr ValueShape shape = ValueShape::text_map;

    static Result<void> read(const ConfigNode& node, std::map<std::string, std::string>& value) {
        return read_text_map(node, value);
    }
    static std::string write(const std::map<std::string, std::string>& value) {
        return toml_text_map(value);
    }
    static std::string describe() { return "table of text"; }
};

struct EndpointCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static Result<void> read(const ConfigNode& node, Endpoint& value) {
        return read_endpoint(node, value);
    }
    static std::string write(const Endpoint& value) { return toml_text(format_endpoint(value)); }
    static std::string describe() { return "address:port"; }
};

/// Empty text: none.
struct OptionalEndpointCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static Result<void> read(const ConfigNode& node, std::optional<Endpoint>& value) {
        value.reset();
        const auto* text = std::get_if<std::string>(&node.value);
        if (text != nullptr && text->empty()) return {};
        return read_endpoint(node, value.emplace());
    }
    static std::string write(const std::optional<Endpoint>& value) {
        return toml_text(value ? format_endpoint(*value) : std::string());
    }
    static std::string describe() { return "address:port"; }
};

struct RedriveAllowCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static Result<void> read(const ConfigNode& node, RedriveAllowConfig& value) {
        return read_redrive_allow(node, value);
    }
    static std::string write(const RedriveAllowConfig& value) { return toml_redrive_allow(value); }
    static std::string describe() { return "`allowAll`, `denyAll` or list of queues"; }
};

/// An enumeration whose enumerators count from 0 in the order of `names`.
template <const auto& names>
struct NameCodec {
    static constexpr ValueShape shape = ValueShape::text;

    template <class Enum>
    static Result<void> read(const ConfigNode& node, Enum& value) {
        const Result<std::size_t> index = read_name(node, names);
        if (!index) return std::unexpected(index.error());
        value = static_cast<Enum>(*index);
        return {};
    }
    template <class Enum>
    static std::string write(Enum value) {
        return toml_text(names[static_cast<std::size_t>(value)]);
    }
    static std::string describe() { return describe_names(names); }
};

}  // namespace tranter::cli
