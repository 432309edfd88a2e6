#include "base/uuid.hpp"

#include "base/encoding.hpp"
#include "base/random.hpp"

#include <bit>
#include <cstring>

namespace tranter {

Uuid make_uuid() {
    const std::array<std::uint64_t, 2> words{random_word(), random_word()};
    Uuid uuid = std::bit_cast<Uuid>(words);
    uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0F) | 0x40);  // version 4
    uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3F) | 0x80);  // variant of RFC 4122
    return uuid;
}

void append_uuid(std::string& out, const Uuid& uuid) {
    std::array<char, 32> digits;
    for (std::size_t i = 0; i < uuid.size(); i += 4)
        put_hex_of_4(digits.data() + 2 * i, uuid.data() + i);
    std::array<char, 36> text;
    text.fill('-');
    std::memcpy(text.data(), digits.data(), 8);
    std::memcpy(text.data() + 9, digits.data() + 8, 4);
    std::memcpy(text.data() + 14, digits.data() + 12, 4);
    std::memcpy(text.data() + 19, digits.data() + 16, 4);
    std::memcpy(text.data() + 24, digits.data() + 20, 12);
    out.append(text.data(), text.size());
}

std::string format_uuid(const Uuid& uuid) {
    std::string out;
    append_uuid(out, uuid);
    return out;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    Uuid uuid{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            if (text[at++] != '-') return std::nullopt;
        }
        const int high = hex_digit(text[at]);
        const int low = hex_digit(text[at + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        uuid[i] = static_cast<std::uint8_t>(high << 4 | low);
        at += 2;
    }
    return uuid;
}

}  // namespace tranter
