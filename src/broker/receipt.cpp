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

    std::array<char, text_bytes> text{};
    std::uint32_t bits = 0;
    unsigned held = 0;
    std::size_t at = 0;
    for (const std::uint8_t byte : bytes) {
        bits = bits << 8 | byte;
        held += 8;
        while (held >= 6) {
            held -= 6;
            text[at++] = digits[bits >> held & 63];
        }
    }
    text[at] = digits[bits << (6 - held) & 63];
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
    std::uint32_t bits = 0;
    unsigned held = 0;
    std::size_t at = 0;
    for (const char digit : text) {
        const std::int8_t value = digit_values[static_cast<unsigned char>(digit)];
        if (value < 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        held += 6;
        if (held < 8 || at == total_bytes) continue;
        held -= 8;
        bytes[at++] = static_cast<std::uint8_t>(bits >> held);
    }
    // The last digit carries four spare bits, which encode() leaves at zero.
    if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;

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
