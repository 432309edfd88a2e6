#include "base/unicode.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>

namespace tranter {

namespace {

struct Range {
    char32_t first;
    char32_t last;
};

constexpr auto steering = std::to_array<Range>({
    {0x00, 0x1f},        // C0
    {0x7f, 0x9f},        // DEL and C1
    {0xad, 0xad},        // soft hyphen
    {0x61c, 0x61c},      // Arabic letter mark
    {0x180e, 0x180e},    // Mongolian vowel separator
    {0x200b, 0x200f},    // zero width, left-to-right and right-to-left marks
    {0x2028, 0x202e},    // separators, embeddings and overrides
    {0x2060, 0x206f},    // joiners, isolates
    {0xfeff, 0xfeff},    // byte order mark
    {0xfff9, 0xfffb},    // interlinear annotations
    {0xe0000, 0xe007f},  // tags
});

bool is_continuation(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
}

std::string escape(CodePoint point) {
    switch (point.value) {
        case '\n':
            return "\\n";
        case '\r':
            return "\\r";
        case '\t':
            return "\\t";
        default:
            break;
    }
    const auto value = static_cast<unsigned>(point.value);
    if (!point.valid || value < 0x80) return fmt::format("\\x{:02x}", value);
    if (value < 0x10000) return fmt::format("\\u{:04x}", value);
    return fmt::format("\\U{:08x}", value);
}

}  // namespace

CodePoint code_point_at(std::string_view text, std::size_t at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const CodePoint broken{.value = lead, .bytes = 1, .valid = false};
    if (lead < 0x80) return {.value = lead, .bytes = 1, .valid = true};
    std::size_t length = 0;
    char32_t value = 0;
    if (lead >= 0xc2 && lead < 0xe0) {
        length = 2;
        value = lead & 0x1fU;
    } else if ((lead & 0xf0U) == 0xe0) {
        length = 3;
        value = lead & 0x0fU;
    } else if (lead >= 0xf0 && lead < 0xf5) {
        length = 4;
        value = lead & 0x07U;
    } else {
        return broken;
    }
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(text, at + i)) return broken;
        value = (value << 6U) | (static_cast<unsigned char>(text[at + i]) & 0x3fU);
    }
    const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    const bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (overlong || surrogate || value > 0x10ffff) return broken;
    return {.value = value, .bytes = length, .valid = true};
}

bool is_steering(char32_t value) {
    for (const Range& range : steering) {
        if (value >= range.first && value <= range.last) return true;
    }
    return false;
}

std::string printable(std::string_view text) {
    return printable(text, std::string_view::npos);
}

std::string printable(std::string_view text, std::size_t columns) {
    std::string out;
    std::size_t used = 0;
    std::size_t fits = 0;  // bytes of `out` that leave room for the ellipsis
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        std::string piece;
        if (!point.valid || is_steering(point.value)) {
            piece = escape(point);
        } else {
            piece = text.substr(at, point.bytes);
        }
        used += columns_of(piece);
        if (used > columns) {
            out.resize(fits);
            return out + "…";
        }
        out += piece;
        if (used < columns) fits = out.size();
        at += point.bytes;
    }
    return out;
}

std::string in_quotes(std::string_view text) {
    return "'" + printable(text, 60) + "'";
}

std::size_t columns_of(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); at += code_point_at(text, at).bytes) {
        ++count;
    }
    return count;
}

}  // namespace tranter
