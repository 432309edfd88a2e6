#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Bytes as text and back: hexadecimal, base64, percent-encoding, UTF-8.
namespace tranter {

/// Two digits, lower case.
inline void put_hex(char* out, std::uint8_t byte) {
    constexpr const char* digits = "0123456789abcdef";
    out[0] = digits[byte >> 4];
    out[1] = digits[byte & 15];
}
/// Eight digits of four bytes, lower case.
inline void put_hex_of_4(char* out, const std::uint8_t* bytes) {
    constexpr std::uint64_t each = 0x0101010101010101;
    std::uint32_t four = 0;
    std::memcpy(&four, bytes, sizeof four);
    std::uint64_t digits = four;  // each byte on its way to the place of its two digits
    digits = (digits | digits << 16) & 0x0000FFFF0000FFFF;
    digits = (digits | digits << 8) & 0x00FF00FF00FF00FF;
    digits = (digits >> 4 & 0x000F000F000F000F) | (digits & 0x000F000F000F000F) << 8;
    const std::uint64_t letters = (digits + each * 6) >> 4 & each;
    digits += each * '0' + letters * ('a' - '0' - 10);
    std::memcpy(out, &digits, sizeof digits);
}
static_assert(std::endian::native == std::endian::little);
/// Lower case.
void append_hex(std::string& out, std::span<const std::uint8_t> bytes);
std::string to_hex(std::span<const std::uint8_t> bytes);

/// The value of a digit in either case; -1 for anything else.
constexpr int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// RFC 4648 section 4, with padding.
void append_base64(std::string& out, std::string_view bytes);
std::string to_base64(std::string_view bytes);
/// Nothing unless the text is exactly what to_base64() makes of some bytes.
std::optional<std::string> from_base64(std::string_view text);

enum class PlusSign : std::uint8_t { literal, space };
/// Decodes into `out`, which has room for text.size() bytes, and returns how many were written;
/// nothing when a '%' is not followed by two hexadecimal digits.
std::optional<std::size_t> percent_decode(std::string_view text, char* out, PlusSign plus);
std::optional<std::string> percent_decode(std::string_view text, PlusSign plus = PlusSign::literal);
enum class Slash : std::uint8_t { keep, encode };
/// RFC 3986: everything but unreserved characters, with upper-case digits.
void append_percent_encoded(std::string& out, std::string_view text, Slash slash = Slash::encode);

/// Unicode's well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_valid_utf8(std::string_view text);

}  // namespace tranter
