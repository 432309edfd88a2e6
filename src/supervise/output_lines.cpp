#include "supervise/output_lines.hpp"

#include "base/json_writer.hpp"
#include "base/unicode.hpp"

#include <array>
#include <ctime>
#include <utility>

namespace tranter::supervise {
namespace {

using Broken = std::tm* (*)(const std::time_t*, std::tm*);

std::string formatted(const std::string& format, Instant now, Broken broken) {
    const std::time_t seconds = unix_seconds(now);
    std::tm parts{};
    broken(&seconds, &parts);
    std::array<char, 128> text{};
    return {text.data(), std::strftime(text.data(), text.size(), format.c_str(), &parts)};
}

/// With U+FFFD for what is not UTF-8: programs print anything.
std::string valid_utf8(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        out += point.valid ? text.substr(at, point.bytes) : "\xef\xbf\xbd";
        at += point.bytes;
    }
    return out;
}

}  // namespace

OutputLines::OutputLines(Options options)
    : options_(std::move(options)),
      splitter_(options_.line_bytes_max, [this](std::string_view line, bool) { append(line); }) {}

std::string OutputLines::add(std::string_view bytes, Instant now) {
    now_ = now;
    splitter_.add(bytes);
    return std::exchange(lines_, {});
}

std::string OutputLines::finish(Instant now) {
    now_ = now;
    splitter_.finish();
    return std::exchange(lines_, {});
}

void OutputLines::append(std::string_view line) {
    if (options_.see) options_.see(line);
    const std::string time =
        options_.time_format.empty() ? "" : formatted(options_.time_format, now_, ::localtime_r);
    if (!options_.json) {
        if (!time.empty()) lines_.append(time).append(": ");
        lines_.append(line).append(1, '\n');
        return;
    }
    JsonWriter json(lines_);
    json.begin_object().member("message", valid_utf8(line));
    json.member(
        "timestamp", time.empty() ? formatted("%Y-%m-%dT%H:%M:%SZ", now_, ::gmtime_r) : time
    );
    json.member("type", options_.is_errors ? "err" : "out");
    json.member("process_id", options_.number).member("app_name", options_.app).end_object();
    lines_ += '\n';
}

}  // namespace tranter::supervise
