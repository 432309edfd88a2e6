#include "broker/record_parts.hpp"

#include <limits>
#include <map>
#include <string>
#include <utility>

namespace tranter::broker {
namespace {

using engine::DeliveryState;
using engine::Payload;

// Of a state.
constexpr std::uint8_t taken_back_bit = 4;
constexpr std::uint8_t cancel_requested_bit = 8;
// Of images, and of what a moved message brings along.
constexpr std::uint8_t moved_in_bit = 1;
constexpr std::uint8_t deduplicates_bit = 2;
constexpr std::uint8_t parts_traits_bit = 4;
constexpr std::uint8_t note_bit = 8;

constexpr std::uint8_t uniqueness_last = static_cast<std::uint8_t>(engine::Uniqueness::keep_latest);

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

void write(ByteWriter& out, const engine::Traits& traits) {
    out.byte(traits.priority);
    out.number(traits.max_receives);
    out.time(traits.deadline);
    out.byte(static_cast<std::uint8_t>(traits.uniqueness));
    if (traits.uniqueness == engine::Uniqueness::none) return;
    out.text(traits.unique_key);
    out.duration(traits.unique_for);
}

engine::Traits read_traits(ByteReader& in) {
    engine::Traits traits;
    traits.priority = in.choice(engine::priority_last);
    traits.max_receives = in.number32();
    traits.deadline = in.time();
    traits.uniqueness = static_cast<engine::Uniqueness>(in.choice(uniqueness_last));
    if (traits.uniqueness != engine::Uniqueness::none) {
        traits.unique_key = in.text();
        traits.unique_for = in.duration();
    }
    if (traits == engine::Traits{}) in.refuse();
    return traits;
}

void write(ByteWriter& out, const DeliveryState& state) {
    out.number(state.deliveries);
    out.number(state.receive_count);
    out.byte(
        static_cast<std::uint8_t>(state.state) | bit_if(state.taken_back, taken_back_bit) |
        bit_if(state.cancel_requested, cancel_requested_bit)
    );
    out.time(state.received_at);
    out.time(state.first_received_at);
    out.time(state.due);
}

DeliveryState read_state(ByteReader& in) {
    DeliveryState state;
    state.deliveries = in.number32();
    state.receive_count = in.number32();
    const std::uint8_t bits = in.choice(cancel_requested_bit | taken_back_bit | 2U);
    if ((bits & 3U) == 3) in.refuse();
    state.state = static_cast<DeliveryState::State>(bits & 3U);
    state.taken_back = has_bit(bits, taken_back_bit);
    state.cancel_requested = has_bit(bits, cancel_requested_bit);
    state.received_at = in.time();
    state.first_received_at = in.time();
    state.due = in.time();
    return state;
}

void write_extras(
    ByteWriter& out, const engine::Traits& traits, std::string_view note, std::uint8_t bits
) {
    const bool has_traits = traits != engine::Traits{};
    out.byte(bits | bit_if(has_traits, parts_traits_bit) | bit_if(!note.empty(), note_bit));
    if (has_traits) write(out, traits);
    if (!note.empty()) out.text(note);
}

std::uint8_t read_extras(
    ByteReader& in, engine::Traits& traits, std::string& note, std::uint8_t mask
) {
    const std::uint8_t bits = in.choice(mask | parts_traits_bit | note_bit);
    if ((bits & ~(mask | parts_traits_bit | note_bit)) != 0) in.refuse();
    traits = has_bit(bits, parts_traits_bit) ? read_traits(in) : engine::Traits{};
    note = has_bit(bits, note_bit) ? in.text() : std::string_view();
    if (has_bit(bits, note_bit) && note.empty()) in.refuse();
    return bits & mask;
}

void write_stored(ByteWriter& out, const engine::Stored& message, bool deduplicates) {
    out.number(message.slot);
    out.number(message.sequence);
    const std::uint8_t bits =
        bit_if(message.moved_in, moved_in_bit) | bit_if(deduplicates, deduplicates_bit);
    write_extras(out, message.traits, message.note, bits);
    if (message.traits.uniqueness != engine::Uniqueness::none) out.time(message.unique_since);
    out.time(message.sent_at);
    if (message.moved_in) out.time(message.moved_at);
    out.number(message.source_queue);
    write(out, message.delivery);
    out.text(message.group);
    write(out, message.payload);
}

bool read_stored(ByteReader& in, engine::Stored& message) {
    message.slot = in.number32();
    message.sequence = in.number();
    const std::uint8_t bits =
        read_extras(in, message.traits, message.note, moved_in_bit | deduplicates_bit);
    const bool unique = message.traits.uniqueness != engine::Uniqueness::none;
    message.unique_since = unique ? in.time() : Instant{};
    message.moved_in = has_bit(bits, moved_in_bit);
    message.sent_at = in.time();
    message.moved_at = message.moved_in ? in.time() : Instant{};
    message.source_queue = in.number32();
    message.delivery = read_state(in);
    message.group = in.text();
    message.payload = read_payload(in);
    return has_bit(bits, deduplicates_bit);
}

void write(ByteWriter& out, const QueueSettings& settings) {
    const engine::QueuePolicy& policy = settings.engine;
    for (const Duration length :
         {policy.visibility_timeout,
          policy.delay,
          policy.retention,
          policy.deduplication_window,
          policy.priority_aging,
          settings.receive_wait}) {
        out.duration(length);
    }
    out.byte(static_cast<std::uint8_t>(policy.deduplication_scope));
    out.byte(static_cast<std::uint8_t>(policy.groups.order));
    out.byte(static_cast<std::uint8_t>(policy.groups.fairness));
    out.flag(settings.content_based_deduplication);
    out.flag(policy.paused);
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
          &policy.priority_aging,
          &settings.receive_wait}) {
        *length = in.duration();
    }
    policy.deduplication_scope = static_cast<engine::DeduplicationScope>(in.choice(1));
    policy.groups.order = static_cast<engine::Order>(in.choice(1));
    policy.groups.fairness = static_cast<engine::Fairness>(in.choice(2));
    settings.content_based_deduplication = in.flag();
    policy.paused = in.flag();
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
