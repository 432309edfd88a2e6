#include "broker/receipt.hpp"

#include <array>
#include <cstring>

namespace tranter::broker {
namespace {

constexpr std::size_t signed_bytes = 20;
constexpr std::size_t total_bytes = 28;
constexpr std::size_t text_bytes = 38;  // 28 bytes in 6-bit digits, without padding
constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < digits.size(); ++i) {
        values[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
    }
    return values;
}
constexpr std::array<std::int8_t, 256> digit_values = make_values();

using Bytes = std::array<std::uint8_t, total_bytes>;

Bytes pack(QueueId queue, const engine::Receipt& receipt) {
    Bytes bytes{};
    std::memcpy(bytes.data(), &queue, 4);
    std::memcpy(bytes.data() + 4, &receipt.slot, 4);
    std::memcpy(bytes.data() + 8, &receipt.delivery, 4);
    std::memcpy(bytes.data() + 12, &receipt.sequence, 8);
    return bytes;
}

}  // namespace

void ReceiptCodec::append(std::string& out, QueueId queue, const engine::Receipt& receipt) const {
    Bytes bytes = pack(queue, receipt);
    const std::uint64_t mac = siphash(key_, {bytes.data(), signed_bytes});
    std::memcpy(bytes.data() + signed_bytes, &mac, sizeof mac);

    // Three bytes make four digits, and the last byte two.
    std::array<char, text_bytes> text{};
    char* to = text.data();
    for (std::size_t i = 0; i + 3 <= total_bytes; i += 3) {
        const std::uint32_t bits =
            std::uint32_t{bytes[i]} << 16 | std::uint32_t{bytes[i + 1]} << 8 | bytes[i + 2];
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = digits[bits >> 6 & 63];
        *to++ = digits[bits & 63];
    }
    *to++ = digits[bytes.back() >> 2];
    *to = digits[bytes.back() << 4 & 63];
    out.append(text.data(), text.size());
}

std::string ReceiptCodec::encode(QueueId queue, const engine::Receipt& receipt) const {
    std::string text;
    append(text, queue, receipt);
    return text;
}

std::optional<ReceiptCodec::Decoded> ReceiptCodec::decode(std::string_view text) const {
    if (text.size() != text_bytes) return std::nullopt;
    Bytes bytes{};
    const auto value = [&text](std::size_t digit) {
        return std::int32_t{digit_values[static_cast<unsigned char>(text[digit])]};
    };
    std::int32_t seen = 0;  // negative once a character was none of the digits
    std::size_t at = 0;
    std::size_t digit = 0;
    for (; digit + 4 <= text_bytes; digit += 4) {
        const std::int32_t bits =
            value(digit) << 18 | value(digit + 1) << 12 | value(digit + 2) << 6 | value(digit + 3);
        seen |= bits;
        bytes[at++] = static_cast<std::uint8_t>(bits >> 16);
        bytes[at++] = static_cast<std::uint8_t>(bits >> 8);
        bytes[at++] = static_cast<std::uint8_t>(bits);
    }
    const std::int32_t bits = value(digit) << 6 | value(digit + 1);
    seen |= bits;
    bytes[at] = static_cast<std::uint8_t>(bits >> 4);
    // The last digit carries four spare bits, which encode() leaves at zero.
    if (seen < 0 || (bits & 15) != 0) return std::nullopt;

    std::uint64_t mac = 0;
    std::memcpy(&mac, bytes.data() + signed_bytes, sizeof mac);
    if (mac != siphash(key_, {bytes.data(), signed_bytes})) return std::nullopt;
    Decoded decoded;
    std::memcpy(&decoded.queue, bytes.data(), 4);
    std::memcpy(&decoded.receipt.slot, bytes.data() + 4, 4);
    std::memcpy(&decoded.receipt.delivery, bytes.data() + 8, 4);
    std::memcpy(&decoded.receipt.sequence, bytes.data() + 12, 8);
    return decoded;
}

}  // namespace tranter::broker
