#include "base/log_text.hpp"

#include "base/secrets.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

namespace tranter {
namespace {

constexpr std::chrono::seconds repeat_window(10);
// Different texts per window: constants in the code, so the bound only guards against misuse.
constexpr std::size_t repeat_entries_max = 1024;

struct LoggedCharacter {
    std::uint32_t value = 0;
    std::size_t bytes = 0;  // 0: the text does not start with valid UTF-8
};

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

LoggedCharacter decode_utf8(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80) return {lead, 1};
    const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
    std::uint32_t value = lead & (0x7FU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        if (!is_continuation(text[i])) return {};
        value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3F);
    }
    constexpr std::array<std::uint32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < smallest[bytes] || value > 0x10FFFF || surrogate) return {};
    return {value, bytes};
}

// Characters that a terminal does not show as themselves: C0, C1, line separators, zero-width and
// bidirectional marks, the byte order mark, tags.
bool is_hidden(std::uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x180E ||
           (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
           (c >= 0xE0000 && c <= 0xE007F);
}

void append_hidden(std::string& out, std::uint32_t c) {
    switch (c) {
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    if (c < 0x10000) {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
        return;
    }
    const std::uint32_t offset = c - 0x10000;
    fmt::format_to(
        std::back_inserter(out),
        "\\u{:04x}\\u{:04x}",
        0xD800 + (offset >> 10),
        0xDC00 + (offset & 0x3FF)
    );
}

void append_printable(std::string& out, std::string_view text, bool escape_quotes) {
    while (!text.empty()) {
        const LoggedCharacter c = decode_utf8(text);
        if (c.bytes == 0) {
            out += "\xEF\xBF\xBD";
            text.remove_prefix(1);
            continue;
        }
        if (escape_quotes && (c.value == '"' || c.value == '\\')) {
            out += '\\';
            out += static_cast<char>(c.value);
        } else if (is_hidden(c.value)) {
            append_hidden(out, c.value);
        } else {
            out += text.substr(0, c.bytes);
        }
        text.remove_prefix(c.bytes);
    }
}

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    append_escaped(out, text);
    out += '"';
}

bool is_plain(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < 0x7F && c != '=' && c != '"' && c != '\\';
    });
}

void append_logfmt(std::string& out, std::string_view text) {
    if (is_plain(text)) {
        out += text;
    } else {
        append_quoted(out, text);
    }
}

void append_value(std::string& out, const LogField& field, bool json) {
    if (is_secret_name(field.key())) {
        out += json ? "\"[redacted]\"" : "[redacted]";
        return;
    }
    if (const auto* text = std::get_if<std::string_view>(&field.value())) {
        const std::string shown = without_secrets(*text);
        json ? append_quoted(out, shown) : append_logfmt(out, shown);
    } else if (const auto* number = std::get_if<double>(&field.value())) {
        // JSON has no infinities.
        if (std::isfinite(*number)) {
            fmt::format_to(std::back_inserter(out), "{}", *number);
        } else {
            out += json ? "null" : fmt::format("{}", *number);
        }
    } else if (const auto* integer = std::get_if<std::int64_t>(&field.value())) {
        out += std::to_string(*integer);
    } else if (const auto* unsigned_integer = std::get_if<std::uint64_t>(&field.value())) {
        out += std::to_string(*unsigned_integer);
    } else {
        out += std::get<bool>(field.value()) ? "true" : "false";
    }
}

std::string format_time(LogTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const auto millis = (time - seconds).count();
    const std::time_t unix_time = seconds.time_since_epoch().count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(unix_time), millis);
}

std::string_view level_colour(LogLevel level) {
    switch (level) {
        case LogLevel::fatal:
        case LogLevel::error:
            return "\x1b[31m";
        case LogLevel::warn:
            return "\x1b[33m";
        case LogLevel::info:
            return "\x1b[32m";
        default:
            return "\x1b[36m";
    }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
    append_printable(out, text, true);
}

std::string one_line(std::string_view text) {
    std::string out;
    append_printable(out, text, false);
    return out;
}

std::size_t find_invalid_utf8(std::string_view text) {
    std::size_t offset = 0;
    while (offset < text.size()) {
        const LoggedCharacter c = decode_utf8(text.substr(offset));
        if (c.bytes == 0) return offset;
        offset += c.bytes;
    }
    return std::string_view::npos;
}

// NOLINTNEXTLINE(readability-function-size): a line has these six parts
std::string format_log_line(
    LogFormat format,
    LogTime time,
    LogLevel level,
    std::string_view component,
    std::string_view message,
    LogFields fields
) {
    std::string out;
    const bool json = format == LogFormat::json;
    if (json) {
        out = fmt::format(
            R"({{"ts":"{}","level":"{}","msg":)", format_time(time), log_level_name(level)
        );
        append_quoted(out, message);
        out += ",\"component\":";
        append_quoted(out, component);
    } else if (format == LogFormat::logfmt) {
        out = fmt::format("ts={} level={} msg=", format_time(time), log_level_name(level));
        append_logfmt(out, message);
        out += " component=";
        append_logfmt(out, component);
    } else {
        // Only the time of day: a person is looking at it now.
        out = fmt::format(
            "{} {}{:<5}\x1b[0m ",
            std::string_view(format_time(time)).substr(11, 12),
            level_colour(level),
            log_level_name(level)
        );
        append_escaped(out, component);
        out += ": ";
        append_escaped(out, message);
    }
    for (const LogField& field : fields) {
        out += json ? ',' : ' ';
        if (json) {
            append_quoted(out, field.key());
        } else {
            append_escaped(out, field.key());
        }
        out += json ? ':' : '=';
        append_value(out, field, json);
    }
    if (json) out += '}';
    return out;
}

LogRepeatLimit::Decision LogRepeatLimit::decide(
    LogTime now, std::string_view component, std::string_view message
) {
    std::string key(component);
    key.append(1, '\n').append(message);
    if (entries_.size() >= repeat_entries_max && !entries_.contains(key)) entries_.clear();
    Entry& entry = entries_.try_emplace(std::move(key), Entry{.window_start = now}).first->second;
    if (now - entry.window_start >= repeat_window || now < entry.window_start) {
        entry.window_start = now;
        entry.written = 0;
    }
    if (entry.written >= repeats_max_) {
        ++entry.suppressed;
        return {.write = false};
    }
    ++entry.written;
    return {.write = true, .suppressed = std::exchange(entry.suppressed, 0)};
}

}  // namespace tranter
