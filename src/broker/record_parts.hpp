#pragma once

#include "broker/byte_codec.hpp"
#include "broker/settings.hpp"
#include "engine/types.hpp"

/// What several records have in common (docs/log-format.md, section 4).
namespace tranter::broker {

void write(ByteWriter& out, const engine::Payload& payload);
engine::Payload read_payload(ByteReader& in);

void write(ByteWriter& out, const engine::DeliveryState& state);
engine::DeliveryState read_state(ByteReader& in);

void write(ByteWriter& out, const QueueSettings& settings);
/// Overwrites `settings` and returns it.
const QueueSettings* read_settings(ByteReader& in, QueueSettings& settings);

}  // namespace tranter::broker
