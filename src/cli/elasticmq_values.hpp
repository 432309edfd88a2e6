#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "cli/config_node.hpp"

#include <cstdint>
#include <map>
#include <string>

/// How ElasticMQ understands the texts of its configuration. Errors say what was found and what
/// would be right; the caller adds place and key.
namespace tranter::cli::elasticmq {

[[nodiscard]] Result<std::string> read_text(const ConfigNode& node);
/// true, yes, on / false, no, off.
[[nodiscard]] Result<bool> read_bool(const ConfigNode& node);
[[nodiscard]] Result<std::int64_t> read_whole_number(
    const ConfigNode& node, std::int64_t min, std::int64_t max
);
/// A bare number is milliseconds; fractions of a second are dropped.
[[nodiscard]] Result<Duration> read_duration(const ConfigNode& node);
[[nodiscard]] Result<std::map<std::string, std::string>> read_texts(const ConfigNode& node);

}  // namespace tranter::cli::elasticmq
