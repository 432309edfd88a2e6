#pragma once

#include "broker/byte_codec.hpp"
#include "broker/settings.hpp"
#include "engine/types.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// What several records have in common (docs/log-format.md, section 4).
namespace tranter::broker {

constexpr std::uint8_t bit_if(bool condition, std::uint8_t bit) {
    return condition ? bit : std::uint8_t{0};
}
constexpr bool has_bit(std::uint8_t bits, std::uint8_t bit) {
    return (bits & bit) != 0;
}

void write(ByteWriter& out, const engine::Payload& payload);
engine::Payload read_payload(ByteReader& in);

void write(ByteWriter& out, const engine::Traits& traits);
/// Refuses traits that are all default: no record writes those.
engine::Traits read_traits(ByteReader& in);

void write(ByteWriter& out, const engine::DeliveryState& state);
engine::DeliveryState read_state(ByteReader& in);

/// Traits and note of a message, or that it has none, in one byte with other bits.
void write_extras(
    ByteWriter& out, const engine::Traits& traits, std::string_view note, std::uint8_t bits = 0
);
/// Overwrites both and returns the other bits, of which only those of `mask` may be set.
std::uint8_t read_extras(
    ByteReader& in, engine::Traits& traits, std::string& note, std::uint8_t mask = 0
);

/// A message as it is now, and whether its de-duplication id counts.
void write_stored(ByteWriter& out, const engine::Stored& message, bool deduplicates);
/// Overwrites `message`; returns whether its de-duplication id counts.
bool read_stored(ByteReader& in, engine::Stored& message);

void write(ByteWriter& out, const QueueSettings& settings);
/// Overwrites `settings` and returns it.
const QueueSettings* read_settings(ByteReader& in, QueueSettings& settings);

}  // namespace tranter::broker
