#pragma once

#include "base/error.hpp"

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

/// The program's log: one line per event on stderr, as a JSON object, as logfmt or coloured for a
/// person. It is the only global of the project; every function is thread-safe and does nothing
/// below the current level. Before start_logging the log is logfmt at level info.
///
/// Values are written so that no user input can forge a line or reorder one on a terminal: control
/// characters, bidirectional marks and invalid UTF-8 are escaped. Values of fields whose name says
/// that they are secret (secret, token, password, authorization, signature, ...) are never written,
/// and what without_secrets() (secrets.hpp) finds in other values is not either.
namespace tranter {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, fatal, off };

/// `automatic` is `pretty` on a terminal and `json` otherwise.
enum class LogFormat : std::uint8_t { automatic, json, logfmt, pretty };

struct LogOptions {
    LogFormat format = LogFormat::automatic;
    LogLevel level = LogLevel::info;
    /// How often the same component may say the same text at level info or above within ten
    /// seconds; further ones are counted and the number is added to the next that is written.
    std::uint32_t repeats_max = 20;

    bool operator==(const LogOptions&) const = default;
};

/// One `key=value`. Refers to its key and to text values; only meant to be built in the call.
class LogField {
  public:
    using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

    LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}
    LogField(std::string_view key, const std::string& value)
        : key_(key), value_(std::string_view(value)) {}
    LogField(std::string_view key, const char* value)
        : key_(key), value_(std::string_view(value)) {}
    template <std::same_as<bool> T>
    LogField(std::string_view key, T value) : key_(key), value_(value) {}
    template <std::signed_integral T>
    LogField(std::string_view key, T value) : key_(key), value_(std::int64_t{value}) {}
    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    LogField(std::string_view key, T value) : key_(key), value_(std::uint64_t{value}) {}
    template <std::floating_point T>
    LogField(std::string_view key, T value) : key_(key), value_(double{value}) {}

    std::string_view key() const { return key_; }
    const Value& value() const { return value_; }

  private:
    std::string_view key_;
    Value value_;
};

using LogFields = std::initializer_list<LogField>;

/// Sets format and level for the process; may be called again. Lines of earlier calls are flushed.
void start_logging(const LogOptions& options);

/// Where lines go instead of stderr, each with its newline: for those who may not wait until
/// somebody reads them. An empty one is stderr again. Called by whoever logs, in several threads at
/// a time, and perhaps once more after it was replaced.
using LogOutput = std::function<void(std::string_view line)>;
void set_log_output(LogOutput output);

/// Changes the level at run time, for everything or for one component ("sqs", "http", ...).
void set_log_level(LogLevel level);
void set_component_log_level(std::string_view component, LogLevel level);

/// Whether a line would be written: for callers whose fields are costly to compute.
bool logs_at(LogLevel level, std::string_view component);

/// `message` is a constant text ("queue created"); what varies belongs into the fields, because
/// repeats are recognised by component and message.
void log_line(
    LogLevel level, std::string_view component, std::string_view message, LogFields fields = {}
);

inline void log_trace(std::string_view component, std::string_view text, LogFields fields = {}) {
    log_line(LogLevel::trace, component, text, fields);
}
inline void log_debug(std::string_view component, std::string_view text, LogFields fields = {}) {
    log_line(LogLevel::debug, component, text, fields);
}
inline void log_info(std::string_view component, std::string_view text, LogFields fields = {}) {
    log_line(LogLevel::info, component, text, fields);
}
inline void log_warn(std::string_view component, std::string_view text, LogFields fields = {}) {
    log_line(LogLevel::warn, component, text, fields);
}
inline void log_error(std::string_view component, std::string_view text, LogFields fields = {}) {
    log_line(LogLevel::error, component, text, fields);
}
inline void log_fatal(std::string_view component, std::string_view text, LogFields fields = {}) {
    log_line(LogLevel::fatal, component, text, fields);
}

/// The names used by flags and configuration: "info", "logfmt", ...
std::string_view log_level_name(LogLevel level);
std::string_view log_format_name(LogFormat format);
[[nodiscard]] Result<LogLevel> parse_log_level(std::string_view text);
[[nodiscard]] Result<LogFormat> parse_log_format(std::string_view text);

}  // namespace tranter
