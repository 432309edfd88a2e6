#include "base/uuid.hpp"

#include "base/encoding.hpp"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace tranter {

namespace {

/// Blackman and Vigna's xoshiro256** 1.0.
class Generator {
  public:
    Generator() {
        ssize_t got = 0;
        do {
            got = ::getrandom(state_.data(), sizeof state_, 0);
        } while (got < 0 && errno == EINTR);
        if (got != static_cast<ssize_t>(sizeof state_)) {
            throw std::runtime_error("the kernel gives no random numbers");
        }
        state_[0] |= 1;  // all zeros is the one state that never changes
    }

    std::uint64_t next() {
        const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

  private:
    std::array<std::uint64_t, 4> state_;
};

}  // namespace

Uuid make_uuid() {
    thread_local Generator generator;
    const std::array<std::uint64_t, 2> words{generator.next(), generator.next()};
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
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    Uuid uuid{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            if (text[at++] != '-') return std::nullopt;
        }
        const int high = digit(text[at]);
        const int low = digit(text[at + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        uuid[i] = static_cast<std::uint8_t>(high << 4 | low);
        at += 2;
    }
    return uuid;
}

}  // namespace tranter
