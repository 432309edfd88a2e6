#include "jobs/trace_context.hpp"

#include "base/encoding.hpp"

#include <algorithm>
#include <span>

namespace tranter::jobs {

namespace {

constexpr std::size_t traceparent_bytes = 55;
constexpr std::string_view hex_digits = "0123456789abcdef";

/// Upper case is not allowed in a traceparent.
int hex_value(char c) {
    const std::size_t at = hex_digits.find(c);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// False for anything but two digits a byte.
bool read_bytes(std::string_view text, std::span<std::uint8_t> out) {
    if (text.size() != out.size() * 2) return false;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int high = hex_value(text[2 * i]);
        const int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return true;
}

bool is_zero(std::span<const std::uint8_t> bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

std::optional<TraceContext> if_valid(const TraceContext& context) {
    if (is_zero(context.trace_id) || is_zero(context.span_id)) return std::nullopt;
    return context;
}

bool is_header_text(std::string_view text) {
    return text.size() <= tracestate_bytes_max &&
           std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

/// "1-8hex-24hex"
bool read_root(std::string_view text, TraceContext& context) {
    if (text.size() != 35 || !text.starts_with("1-") || text[10] != '-') return false;
    const std::span<std::uint8_t> id = context.trace_id;
    return read_bytes(text.substr(2, 8), id.first(4)) && read_bytes(text.substr(11), id.last(12));
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view text) {
    if (text.size() < traceparent_bytes || text[2] != '-' || text[35] != '-' || text[52] != '-') {
        return std::nullopt;
    }
    std::array<std::uint8_t, 1> version{};
    std::array<std::uint8_t, 1> flags{};
    TraceContext context;
    if (!read_bytes(text.substr(0, 2), version) || version[0] == 0xff) return std::nullopt;
    const bool is_longer = text.size() > traceparent_bytes;
    if (is_longer && (version[0] == 0 || text[traceparent_bytes] != '-')) return std::nullopt;
    // A later version may say more, but goes into the same headers and variables.
    if (is_longer && !is_header_text(text)) return std::nullopt;
    const bool readable = read_bytes(text.substr(3, 32), context.trace_id) &&
                          read_bytes(text.substr(36, 16), context.span_id) &&
                          read_bytes(text.substr(53, 2), flags);
    if (!readable) return std::nullopt;
    context.sampled = (flags[0] & 1U) != 0;
    return if_valid(context);
}

std::string to_traceparent(const TraceContext& context) {
    std::string out = "00-";
    out.reserve(traceparent_bytes);
    append_hex(out, context.trace_id);
    out += '-';
    append_hex(out, context.span_id);
    out += context.sampled ? "-01" : "-00";
    return out;
}

std::optional<TraceContext> parse_xray(std::string_view text) {
    TraceContext context;
    bool has_root = false;
    bool has_parent = false;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(';'), text.size());
        std::string_view field = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        field.remove_prefix(std::min(field.find_first_not_of(' '), field.size()));
        if (field.starts_with("Root=")) has_root = read_root(field.substr(5), context);
        if (field.starts_with("Parent=")) {
            has_parent = read_bytes(field.substr(7), context.span_id);
        }
        if (field == "Sampled=1") context.sampled = true;
    }
    if (!has_root || !has_parent) return std::nullopt;
    return if_valid(context);
}

std::string to_xray(const TraceContext& context) {
    const std::span<const std::uint8_t> id = context.trace_id;
    std::string out = "Root=1-";
    append_hex(out, id.first(4));
    out += '-';
    append_hex(out, id.last(12));
    out += ";Parent=";
    append_hex(out, context.span_id);
    out += context.sampled ? ";Sampled=1" : ";Sampled=0";
    return out;
}

bool is_tracestate(std::string_view text) {
    return !text.empty() && is_header_text(text);
}

void take_trace(JobOptions& options, std::string_view traceparent, std::string_view tracestate) {
    if (!options.traceparent.empty() || !parse_traceparent(traceparent)) return;
    options.traceparent = traceparent;
    if (is_tracestate(tracestate)) options.tracestate = tracestate;
}

}  // namespace tranter::jobs
