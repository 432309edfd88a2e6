#include "broker/record_parts.hpp"

#include <limits>
#include <map>
#include <string>
#include <utility>

namespace tranter::broker {
namespace {

using engine::DeliveryState;
using engine::Payload;

constexpr std::uint8_t taken_back_bit = 4;

using Texts = std::map<std::string, std::string>;

void write(ByteWriter& out, const Texts& texts) {
    out.number(texts.size());
    for (const auto& [key, value] : texts) {
        out.text(key);
        out.text(value);
    }
}

void read_texts(ByteReader& in, Texts& texts) {
    texts.clear();
    for (std::uint64_t left = in.number(); left > 0 && in.good(); --left) {
        std::string key(in.text());
        if (!texts.empty() && key <= texts.rbegin()->first) in.refuse();
        texts.emplace_hint(texts.end(), std::move(key), in.text());
    }
}

}  // namespace

void write(ByteWriter& out, const Payload& payload) {
    out.raw(payload.id());
    out.raw(payload.body_md5());
    out.text(payload.body());
    out.text(payload.attributes());
    out.text(payload.system_attributes());
    out.text(payload.deduplication_id());
    out.text(payload.sender());
}

Payload read_payload(ByteReader& in) {
    engine::PayloadParts parts;
    in.raw(parts.id);
    in.raw(parts.body_md5);
    parts.body = in.text();
    parts.attributes = in.text();
    parts.system_attributes = in.text();
    parts.deduplication_id = in.text();
    parts.sender = in.text();
    constexpr std::size_t short_max = std::numeric_limits<std::uint8_t>::max();
    if (parts.system_attributes.size() > std::numeric_limits<std::uint16_t>::max() ||
        parts.deduplication_id.size() > short_max || parts.sender.size() > short_max) {
        in.refuse();
    }
    return in.good() ? Payload::make(parts) : Payload();
}

void write(ByteWriter& out, const DeliveryState& state) {
    out.number(state.deliveries);
    out.number(state.receive_count);
    out.byte(
        static_cast<std::uint8_t>(state.state) |
        (state.taken_back ? taken_back_bit : std::uint8_t{0})
    );
    out.time(state.received_at);
    out.time(state.first_received_at);
    out.time(state.due);
}

DeliveryState read_state(ByteReader& in) {
    DeliveryState state;
    state.deliveries = in.number32();
    state.receive_count = in.number32();
    const std::uint8_t bits = in.choice(taken_back_bit | 2U);
    if ((bits & 3U) == 3) in.refuse();
    state.state = static_cast<DeliveryState::State>(bits & 3U);
    state.taken_back = (bits & taken_back_bit) != 0;
    state.received_at = in.time();
    state.first_received_at = in.time();
    state.due = in.time();
    return state;
}

void write(ByteWriter& out, const QueueSettings& settings) {
    const engine::QueuePolicy& policy = settings.engine;
    for (const Duration length :
         {policy.visibility_timeout,
          policy.delay,
          policy.retention,
          policy.deduplication_window,
          settings.receive_wait}) {
        out.duration(length);
    }
    out.byte(static_cast<std::uint8_t>(policy.deduplication_scope));
    out.byte(static_cast<std::uint8_t>(policy.groups.order));
    out.byte(static_cast<std::uint8_t>(policy.groups.fairness));
    out.flag(settings.content_based_deduplication);
    out.number(policy.max_receives);
    out.number(policy.max_in_flight);
    out.number(policy.groups.max_in_flight_per_group);
    out.number(policy.groups.max_queued_per_group);
    out.number(settings.max_message_bytes);
    out.number(settings.bytes_max);
    out.text(settings.dead_letter_queue);
    out.text(settings.copy_to);
    out.text(settings.move_to);
    write(out, settings.tags);
    write(out, settings.attributes);
}

const QueueSettings* read_settings(ByteReader& in, QueueSettings& settings) {
    engine::QueuePolicy& policy = settings.engine;
    for (Duration* length :
         {&policy.visibility_timeout,
          &policy.delay,
          &policy.retention,
          &policy.deduplication_window,
          &settings.receive_wait}) {
        *length = in.duration();
    }
    policy.deduplication_scope = static_cast<engine::DeduplicationScope>(in.choice(1));
    policy.groups.order = static_cast<engine::Order>(in.choice(1));
    policy.groups.fairness = static_cast<engine::Fairness>(in.choice(2));
    settings.content_based_deduplication = in.flag();
    policy.max_receives = in.number32();
    policy.max_in_flight = in.number32();
    policy.groups.max_in_flight_per_group = in.number32();
    policy.groups.max_queued_per_group = in.number32();
    settings.max_message_bytes = in.number32();
    settings.bytes_max = in.number();
    settings.dead_letter_queue = in.text();
    settings.copy_to = in.text();
    settings.move_to = in.text();
    read_texts(in, settings.tags);
    read_texts(in, settings.attributes);
    return &settings;
}

}  // namespace tranter::broker
