#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tranter::http {

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

constexpr bool is_alnum(char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

/// What neither a header value nor a line may hold. A tab may be there.
constexpr bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

/// The characters of an HTTP token (method, header name): RFC 9110 5.6.2.
inline constexpr auto token_chars = [] {
    std::array<bool, 256> table{};
    for (int c = 0; c < 128; ++c)
        table[static_cast<std::size_t>(c)] = is_alnum(static_cast<char>(c));
    for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
        table[static_cast<unsigned char>(c)] = true;
    return table;
}();

constexpr bool is_token_char(char c) {
    return token_chars[static_cast<unsigned char>(c)];
}

/// Without the spaces and tabs around it.
constexpr std::string_view trim(std::string_view text) {
    while (text.ends_with(' ') || text.ends_with('\t'))
        text.remove_suffix(1);
    while (text.starts_with(' ') || text.starts_with('\t'))
        text.remove_prefix(1);
    return text;
}

/// Gives `take` each part of a list with commas, trimmed.
template <class Take>
void for_each_in_list(std::string_view list, Take take) {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        take(trim(list.substr(0, comma)));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
}

/// Eight bytes with their ASCII letters in lower case.
constexpr std::uint64_t lower_of_8(std::uint64_t bytes) {
    constexpr std::uint64_t each = 0x0101010101010101;
    const std::uint64_t low_bits = bytes & each * 0x7f;
    const std::uint64_t from_a = low_bits + each * (0x80 - 'A');
    const std::uint64_t beyond_z = low_bits + each * (0x7f - 'Z');
    const std::uint64_t capitals = from_a & ~beyond_z & ~bytes & each * 0x80;
    return bytes | capitals >> 2;
}

template <class Word>
std::uint64_t lower_word(const char* bytes) {
    Word word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return lower_of_8(word);
}

template <class Word>
bool same_words(std::string_view a, std::string_view b) {
    const std::size_t last = a.size() - sizeof(Word);  // overlaps the one before it
    for (std::size_t at = 0; at < last; at += sizeof(Word)) {
        if (lower_word<Word>(a.data() + at) != lower_word<Word>(b.data() + at)) return false;
    }
    return lower_word<Word>(a.data() + last) == lower_word<Word>(b.data() + last);
}

/// ASCII only: HTTP names have no other letters.
inline bool same_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    if (a.empty() || lower(a[0]) != lower(b[0])) return a.empty();
    if (a.size() >= sizeof(std::uint64_t)) return same_words<std::uint64_t>(a, b);
    if (a.size() >= sizeof(std::uint32_t)) return same_words<std::uint32_t>(a, b);
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

}  // namespace tranter::http
