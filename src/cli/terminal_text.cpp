#include "cli/terminal_text.hpp"

#include "base/unicode.hpp"

#include <algorithm>

namespace tranter::cli {

namespace {

constexpr char escape_byte = '\x1b';
constexpr char32_t escape_point = 0x1b;
constexpr char32_t csi_point = 0x9b;
constexpr std::size_t colour_bytes_max = 64;
constexpr std::size_t tab_columns = 8;
constexpr std::string_view colours_end = "\x1b[0m";

bool is_between(char c, char first, char last) {
    return c >= first && c <= last;
}

/// Whether a string sequence begins with this: DCS, SOS, OSC, PM, APC.
bool begins_string(char32_t c) {
    return c == 'P' || c == 'X' || c == ']' || c == '^' || c == '_';
}

/// An escape sequence at the beginning of a text.
struct Sequence {
    std::size_t bytes = 0;
    bool is_colour = false;
    bool is_reset = false;
};

/// `at` is behind "ESC [".
Sequence control_sequence(std::string_view text, std::size_t at) {
    const std::size_t begin = at;
    while (at < text.size() && is_between(text[at], '\x30', '\x3f'))
        ++at;
    const std::string_view parameters = text.substr(begin, at - begin);
    const std::size_t intermediates = at;
    while (at < text.size() && is_between(text[at], '\x20', '\x2f'))
        ++at;
    // Without its end it is broken, and what follows is text again.
    if (at == text.size() || !is_between(text[at], '\x40', '\x7e')) return {.bytes = at};
    const bool plain = at == intermediates && parameters.size() <= colour_bytes_max &&
                       std::ranges::all_of(parameters, [](char c) { return c <= ';'; });
    return {
        .bytes = at + 1,
        .is_colour = plain && text[at] == 'm',
        .is_reset = parameters.empty() || parameters == "0",
    };
}

/// `at` is behind "ESC ]" and its like. It ends with BEL, ST, or the line.
Sequence string_sequence(std::string_view text, std::size_t at) {
    while (at < text.size()) {
        const CodePoint point = code_point_at(text, at);
        at += point.bytes;
        if (point.value == '\a' || (point.valid && point.value == 0x9c)) break;
        if (point.value == escape_point) {
            if (at < text.size() && text[at] == '\\') ++at;
            break;
        }
    }
    return {.bytes = at};
}

Sequence escape_sequence(std::string_view text) {
    if (text.size() == 1) return {.bytes = 1};
    if (text[1] == '[') return control_sequence(text, 2);
    if (begins_string(static_cast<unsigned char>(text[1]))) return string_sequence(text, 2);
    std::size_t at = 1;
    while (at < text.size() && is_between(text[at], '\x20', '\x2f'))
        ++at;
    if (at < text.size() && is_between(text[at], '\x30', '\x7e')) ++at;
    return {.bytes = at};
}

/// Of the eight-bit form too; no bytes when none begins here.
Sequence sequence_at(std::string_view text) {
    const CodePoint point = code_point_at(text, 0);
    if (point.value == escape_point) return escape_sequence(text);
    if (!point.valid || point.value < 0x80 || point.value > 0x9f) return {};
    if (point.value == csi_point) {
        Sequence found = control_sequence(text, point.bytes);
        found.is_colour = false;  // not worth to be written in the other form
        return found;
    }
    if (begins_string(point.value - 0x40)) return string_sequence(text, point.bytes);
    return {.bytes = point.bytes};
}

}  // namespace

std::string harmless_line(std::string_view line, const LineLook& look) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::string out;
    std::size_t columns = 0;
    bool is_coloured = false;
    while (!line.empty()) {
        const Sequence found = sequence_at(line);
        if (found.bytes > 0) {
            if (found.is_colour && look.colours) {
                out += line.substr(0, found.bytes);
                is_coloured = !found.is_reset;
            }
            line.remove_prefix(found.bytes);
            continue;
        }
        const std::size_t bytes = code_point_at(line, 0).bytes;
        if (line.front() == '\t') {
            const std::size_t blanks = tab_columns - columns % tab_columns;
            out += look.expands_tabs ? std::string(blanks, ' ') : "\t";
            columns += blanks;
        } else if (line.front() != '\a') {
            const std::string piece = printable(line.substr(0, bytes));
            columns += columns_of(piece);
            out += piece;
        }
        line.remove_prefix(bytes);
    }
    if (is_coloured) out += colours_end;
    return out;
}

std::size_t shown_columns(std::string_view harmless) {
    std::size_t columns = 0;
    while (!harmless.empty()) {
        const std::size_t text = std::min(harmless.find(escape_byte), harmless.size());
        columns += columns_of(harmless.substr(0, text));
        harmless.remove_prefix(text);
        if (!harmless.empty()) harmless.remove_prefix(escape_sequence(harmless).bytes);
    }
    return columns;
}

std::string cut_line(std::string_view harmless, std::size_t columns) {
    if (shown_columns(harmless) <= columns) return std::string(harmless);
    if (columns == 0) return {};
    std::string out;
    std::size_t used = 0;
    bool is_coloured = false;
    while (!harmless.empty()) {
        if (harmless.front() == escape_byte) {
            const Sequence found = escape_sequence(harmless);
            out += harmless.substr(0, found.bytes);
            is_coloured = !found.is_reset;
            harmless.remove_prefix(found.bytes);
            continue;
        }
        const std::size_t bytes = code_point_at(harmless, 0).bytes;
        used += columns_of(harmless.substr(0, bytes));
        if (used >= columns) break;
        out += harmless.substr(0, bytes);
        harmless.remove_prefix(bytes);
    }
    out += "…";
    if (is_coloured) out += colours_end;
    return out;
}

}  // namespace tranter::cli
