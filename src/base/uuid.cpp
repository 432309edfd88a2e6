#include "base/uuid.hpp"

#include "base/encoding.hpp"
#include "base/random.hpp"

#include <bit>
#include <chrono>
#include <cstring>

namespace tranter {

Uuid make_uuid() {
    const std::array<std::uint64_t, 2> words{random_word(), random_word()};
    Uuid uuid = std::bit_cast<Uuid>(words);
    uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0F) | 0x40);  // version 4
    uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3F) | 0x80);  // variant of RFC 4122
    return uuid;
}

Uuid make_time_ordered_uuid() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now);
    const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(now - millis).count();
    const auto time = static_cast<std::uint64_t>(millis.count()) << 16;
    // Section 6.2, method 3: rand_a is the fraction of the millisecond, in 4,096ths.
    const std::uint64_t first =
        time | 0x7000U | static_cast<std::uint64_t>(nanos * 4096 / 1'000'000);
    // Method 2 for those of the same fraction.
    thread_local std::uint64_t last_first = 0;
    thread_local std::uint64_t last_tail = 0;
    const std::uint64_t random = random_word();
    last_tail = first == last_first ? last_tail + 1 + (random & 0xFFFF'FFFF)
                                    : random & 0x1FFF'FFFF'FFFF'FFFF;
    last_first = first;
    const std::uint64_t second = last_tail | 0x8000'0000'0000'0000;
    Uuid uuid{};
    for (std::size_t i = 0; i < 8; ++i) {
        uuid[i] = static_cast<std::uint8_t>(first >> (56 - 8 * i));
        uuid[8 + i] = static_cast<std::uint8_t>(second >> (56 - 8 * i));
    }
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
