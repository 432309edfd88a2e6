#include "base/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

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

/// Drawn over the character before: combining marks and variation selectors.
constexpr auto no_columns = std::to_array<Range>({
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x5bf, 0x5bf},     {0x5c1, 0x5c2},
    {0x5c4, 0x5c5},   {0x5c7, 0x5c7},   {0x610, 0x61a},   {0x64b, 0x65f},     {0x670, 0x670},
    {0x6d6, 0x6dc},   {0x6df, 0x6e4},   {0x6e7, 0x6e8},   {0x6ea, 0x6ed},     {0x900, 0x902},
    {0x93c, 0x93c},   {0x941, 0x948},   {0x94d, 0x94d},   {0xe31, 0xe31},     {0xe34, 0xe3a},
    {0xe47, 0xe4e},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20f0},   {0x302a, 0x302d},
    {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef},
});

/// East Asian Width W and F, and emoji that are shown as pictures.
constexpr auto two_columns = std::to_array<Range>({
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x23f0, 0x23f0},   {0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267f, 0x267f},   {0x2693, 0x2693},   {0x26a1, 0x26a1},
    {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x26ce, 0x26ce},
    {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f3},   {0x26f5, 0x26f5},
    {0x26fa, 0x26fa},   {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},
    {0x2728, 0x2728},   {0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27b0, 0x27b0},   {0x27bf, 0x27bf},
    {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},   {0x2e80, 0x303e},
    {0x3041, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97c},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe10, 0xfe19},   {0xfe30, 0xfe6f},   {0xff01, 0xff60},
    {0xffe0, 0xffe6},   {0x16fe0, 0x18cff}, {0x1aff0, 0x1b2ff}, {0x1f004, 0x1f004},
    {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f320},
    {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca},
    {0x1f3cf, 0x1f3d3}, {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4}, {0x1f3f8, 0x1f43e},
    {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d}, {0x1f54b, 0x1f54e},
    {0x1f550, 0x1f567}, {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596}, {0x1f5a4, 0x1f5a4},
    {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc}, {0x1f6d0, 0x1f6d2},
    {0x1f6d5, 0x1f6df}, {0x1f6eb, 0x1f6ec}, {0x1f6f4, 0x1f6ff}, {0x1f7e0, 0x1f7f0},
    {0x1f90c, 0x1f93a}, {0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faff},
    {0x20000, 0x3fffd},
});

bool is_in(std::span<const Range> ranges, char32_t value) {
    const auto after = std::ranges::upper_bound(ranges, value, {}, &Range::first);
    return after != ranges.begin() && value <= std::prev(after)->last;
}

std::size_t columns_of(char32_t value) {
    if (value < no_columns.front().first) return 1;
    if (is_in(no_columns, value)) return 0;
    return is_in(two_columns, value) ? 2 : 1;
}

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

void append_utf8(std::string& out, char32_t value) {
    const auto put = [&out](char32_t byte) {
        out += static_cast<char>(byte);
    };
    const auto put_following = [&](unsigned shift) {
        put(0x80U | ((value >> shift) & 0x3fU));
    };
    if (value < 0x80) {
        put(value);
    } else if (value < 0x800) {
        put(0xc0U | (value >> 6U));
        put_following(0);
    } else if (value < 0x10000) {
        put(0xe0U | (value >> 12U));
        put_following(6);
        put_following(0);
    } else {
        put(0xf0U | (value >> 18U));
        put_following(12);
        put_following(6);
        put_following(0);
    }
}

bool is_steering(char32_t value) {
    return is_in(steering, value);
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
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        count += columns_of(point.value);
        at += point.bytes;
    }
    return count;
}

}  // namespace tranter
