#include "base/encoding.hpp"

#include <array>
#include <cstring>

namespace tranter {

namespace {

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_base64_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < base64_digits.size(); ++i) {
        values[static_cast<unsigned char>(base64_digits[i])] = static_cast<std::int8_t>(i);
    }
    return values;
}
constexpr std::array<std::int8_t, 256> base64_values = make_base64_values();

bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/// Length of the well-formed sequence that starts with a non-ASCII byte; 0: malformed.
std::size_t utf8_sequence(const unsigned char* at, std::size_t left) {
    const auto continues = [&](std::size_t i) {
        return i < left && (at[i] & 0xC0) == 0x80;
    };
    const unsigned char lead = at[0];
    if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (!continues(1) || !continues(2)) return 0;
        if (lead == 0xE0 && at[1] < 0xA0) return 0;  // overlong
        if (lead == 0xED && at[1] > 0x9F) return 0;  // surrogate
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (!continues(1) || !continues(2) || !continues(3)) return 0;
        if (lead == 0xF0 && at[1] < 0x90) return 0;  // overlong
        if (lead == 0xF4 && at[1] > 0x8F) return 0;  // above U+10FFFF
        return 4;
    }
    return 0;
}

}  // namespace

void append_hex(std::string& out, std::span<const std::uint8_t> bytes) {
    const std::size_t begin = out.size();
    const std::size_t size = begin + 2 * bytes.size();
    out.resize_and_overwrite(size, [&](char* text, std::size_t) {
        char* to = text + begin;
        std::size_t i = 0;
        for (; i + 4 <= bytes.size(); i += 4, to += 8)
            put_hex_of_4(to, &bytes[i]);
        for (; i < bytes.size(); ++i, to += 2)
            put_hex(to, bytes[i]);
        return size;
    });
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
    std::string out;
    append_hex(out, bytes);
    return out;
}

void append_base64(std::string& out, std::string_view bytes) {
    const auto byte = [&](std::size_t i) {
        return std::uint32_t{static_cast<unsigned char>(bytes[i])};
    };
    out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
    std::size_t i = 0;
    for (; i + 2 < bytes.size(); i += 3) {
        const std::uint32_t bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        for (const int shift : {18, 12, 6, 0})
            out += base64_digits[bits >> shift & 63];
    }
    const std::size_t rest = bytes.size() - i;
    if (rest == 0) return;
    const std::uint32_t bits = byte(i) << 16 | (rest == 2 ? byte(i + 1) << 8 : 0);
    out += base64_digits[bits >> 18 & 63];
    out += base64_digits[bits >> 12 & 63];
    out += rest == 2 ? base64_digits[bits >> 6 & 63] : '=';
    out += '=';
}

std::string to_base64(std::string_view bytes) {
    std::string out;
    append_base64(out, bytes);
    return out;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
        ++padding;
    }
    const std::size_t digits = text.size() - padding;
    std::string out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        const int value = base64_values[static_cast<unsigned char>(text[i])];
        if (value < 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        if (i % 4 == 3) {
            for (const int shift : {16, 8, 0})
                out += static_cast<char>(bits >> shift & 255);
            bits = 0;
        }
    }
    if (padding == 1) {
        if ((bits & 3) != 0) return std::nullopt;  // bits that no encoder sets
        out += static_cast<char>(bits >> 10 & 255);
        out += static_cast<char>(bits >> 2 & 255);
    } else if (padding == 2) {
        if ((bits & 15) != 0) return std::nullopt;
        out += static_cast<char>(bits >> 4 & 255);
    }
    return out;
}

std::optional<std::size_t> percent_decode(std::string_view text, char* out, PlusSign plus) {
    char* to = out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (text.size() - i < 3) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus == PlusSign::space) {
            c = ' ';
        }
        *to++ = c;
    }
    return static_cast<std::size_t>(to - out);
}

std::optional<std::string> percent_decode(std::string_view text, PlusSign plus) {
    std::string out(text.size(), '\0');
    const auto size = percent_decode(text, out.data(), plus);
    if (!size) return std::nullopt;
    out.resize(*size);
    return out;
}

void append_percent_encoded(std::string& out, std::string_view text, Slash slash) {
    constexpr std::string_view upper_digits = "0123456789ABCDEF";
    for (const char c : text) {
        if (is_unreserved(c) || (c == '/' && slash == Slash::keep)) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += upper_digits[byte >> 4];
            out += upper_digits[byte & 15];
        }
    }
}

bool is_valid_utf8(std::string_view text) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t i = 0;
    while (i < text.size()) {
        while (text.size() - i >= 8) {
            std::uint64_t word;
            std::memcpy(&word, bytes + i, 8);
            if ((word & 0x8080808080808080U) != 0) break;
            i += 8;
        }
        if (i == text.size()) break;
        if (bytes[i] < 0x80) {
            ++i;
            continue;
        }
        const std::size_t length = utf8_sequence(bytes + i, text.size() - i);
        if (length == 0) return false;
        i += length;
    }
    return true;
}

}  // namespace tranter
