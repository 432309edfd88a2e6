#pragma once

#include "cli/config_codec.hpp"
#include "supervise/app.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// Codecs (config_codec.hpp) for what only [apps.NAME] has.
namespace tranter::cli {

/// A list, or a text that is divided at blanks as PM2 does it.
struct CommandCodec {
    static constexpr ValueShape shape = ValueShape::texts;

    static Result<void> read(const ConfigNode& node, std::vector<std::string>& value);
    static std::string write(const std::vector<std::string>& value) { return toml_texts(value); }
    static std::string describe() { return "text or list of text"; }
};

/// Names and values; names are unique and in order.
struct VariablesCodec {
    using Variables = std::vector<std::pair<std::string, std::string>>;
    static constexpr ValueShape shape = ValueShape::text_map;

    static Result<void> read(const ConfigNode& node, Variables& value);
    static std::string write(const Variables& value);
    static std::string describe() { return "table of text"; }
};

/// "notify" and the like, or a table { http = "URL", period = "5s" }.
struct ProbeCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static Result<void> read(const ConfigNode& node, supervise::Probe& value);
    static std::string write(const supervise::Probe& value);
    static std::string describe() { return "probe"; }
};

/// Names, or tables { app = "NAME", condition = "completed" }.
struct DependenciesCodec {
    static constexpr ValueShape shape = ValueShape::texts;

    static Result<void> read(const ConfigNode& node, std::vector<supervise::Dependency>& value);
    static std::string write(const std::vector<supervise::Dependency>& value);
    static std::string describe() { return "list of text or tables"; }
};

/// "SIGTERM", "TERM".
struct SignalCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static Result<void> read(const ConfigNode& node, int& value);
    static std::string write(int value);
    static std::string describe() { return "name of a signal"; }
};

struct ExitCodesCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static Result<void> read(const ConfigNode& node, std::vector<int>& value);
    static std::string write(const std::vector<int>& value);
    static std::string describe() { return "list of integers, 0 to 255"; }
};

/// Text of octal digits; empty is -1.
struct UmaskCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static Result<void> read(const ConfigNode& node, int& value);
    static std::string write(int value);
    static std::string describe() { return "octal digits"; }
};

[[nodiscard]] Result<void> read_fraction(
    const ConfigNode& node, std::int64_t min, std::int64_t max, double& value
);

template <std::int64_t min, std::int64_t max>
struct NumberCodec {
    static constexpr ValueShape shape = ValueShape::text;

    static Result<void> read(const ConfigNode& node, double& value) {
        return read_fraction(node, min, max, value);
    }
    static std::string write(double value) { return toml_factor(value); }
    static std::string describe() {
        return "number, " + std::to_string(min) + " to " + std::to_string(max);
    }
};

}  // namespace tranter::cli
