#pragma once

#include "base/log.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

/// How a log line looks and which lines are repeats; no I/O, so that log.cpp has only the sink.
namespace tranter {

using LogTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Appends `text` so that it is one line of printable characters: control characters, marks that
/// reorder or hide text, `"` and `\` become escapes, invalid UTF-8 becomes U+FFFD. The result may
/// stand between quotes in JSON.
void append_escaped(std::string& out, std::string_view text);

/// The same without escaping quotes and backslashes: for text that quotes what a user wrote.
std::string one_line(std::string_view text);

/// The offset of the first byte that is not UTF-8, or npos.
std::size_t find_invalid_utf8(std::string_view text);

/// One line without its newline. `format` must not be `automatic`.
std::string format_log_line(
    LogFormat format,
    LogTime time,
    LogLevel level,
    std::string_view component,
    std::string_view message,
    LogFields fields
);

/// Counts equal lines in windows of ten seconds. Not thread-safe; the log's mutex protects it.
class LogRepeatLimit {
  public:
    struct Decision {
        bool write = true;
        std::uint64_t suppressed = 0;  ///< lines dropped since the last one that was written
    };

    explicit LogRepeatLimit(std::uint32_t repeats_max) : repeats_max_(repeats_max) {}

    Decision decide(LogTime now, std::string_view component, std::string_view message);

  private:
    struct Entry {
        LogTime window_start;
        std::uint32_t written = 0;
        std::uint64_t suppressed = 0;
    };

    std::uint32_t repeats_max_;
    std::unordered_map<std::string, Entry> entries_;
};

}  // namespace tranter
