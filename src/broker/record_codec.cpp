#include "broker/record_codec.hpp"

#include "broker/byte_codec.hpp"
#include "broker/record_parts.hpp"

#include <array>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tranter::broker {
namespace {

constexpr bool numbered_in_order() {
    for (std::size_t i = 0; i < record_kinds.size(); ++i) {
        if (record_kinds[i].type != record_kinds[0].type + i) return false;
    }
    return true;
}
static_assert(numbered_in_order(), "decode() finds the alternative by the number of its type");
static_assert(record_type<record::MessageReplaced> == 30);

// Of message_sent.
constexpr std::uint8_t delay_bit = 1;
constexpr std::uint8_t traits_bit = 2;
constexpr std::uint8_t batch_bit = 4;

// ---- bodies: write() and read() of each record in the same order -------------------------------

void write(ByteWriter& out, const record::StoreImage& record) {
    out.number(record.last_queue);
}
void read(ByteReader& in, record::StoreImage& record, DecodedRecord&) {
    record.last_queue = in.number32();
}

void write(ByteWriter& out, const record::QueueCreated& record) {
    out.number(record.queue);
    out.text(record.name);
    out.time(record.at);
    write(out, *record.settings);
}
void read(ByteReader& in, record::QueueCreated& record, DecodedRecord& owner) {
    record.queue = in.number32();
    record.name = in.text();
    record.at = in.time();
    record.settings = read_settings(in, owner.settings);
}

void write(ByteWriter& out, const record::QueueChanged& record) {
    out.number(record.queue);
    out.time(record.at);
    write(out, *record.settings);
}
void read(ByteReader& in, record::QueueChanged& record, DecodedRecord& owner) {
    record.queue = in.number32();
    record.at = in.time();
    record.settings = read_settings(in, owner.settings);
}

void write(ByteWriter& out, const record::QueueDeleted& record) {
    out.number(record.queue);
    out.time(record.at);
}
void read(ByteReader& in, record::QueueDeleted& record, DecodedRecord&) {
    record.queue = in.number32();
    record.at = in.time();
}

void write(ByteWriter& out, const record::QueuePurged& record) {
    out.number(record.queue);
    out.time(record.at);
}
void read(ByteReader& in, record::QueuePurged& record, DecodedRecord&) {
    record.queue = in.number32();
    record.at = in.time();
}

void write(ByteWriter& out, const record::QueueImage& record) {
    out.number(record.queue);
    out.text(record.name);
    out.time(record.created);
    out.time(record.modified);
    out.flag(record.purged.has_value());
    if (record.purged) out.time(*record.purged);
    out.number(record.last_sequence);
    write(out, *record.settings);
}
void read(ByteReader& in, record::QueueImage& record, DecodedRecord& owner) {
    record.queue = in.number32();
    record.name = in.text();
    record.created = in.time();
    record.modified = in.time();
    if (in.flag()) record.purged = in.time();
    record.last_sequence = in.number();
    record.settings = read_settings(in, owner.settings);
}

void write(ByteWriter& out, const record::MessageSent& record) {
    out.number(record.queue);
    out.number(record.slot);
    out.number(record.sequence);
    out.time(record.at);
    const bool traits = record.traits != nullptr && *record.traits != engine::Traits{};
    out.byte(
        bit_if(record.delay.has_value(), delay_bit) | bit_if(traits, traits_bit) |
        bit_if(record.batch.member, batch_bit)
    );
    if (record.delay) out.duration(*record.delay);
    if (traits) write(out, *record.traits);
    if (record.batch.member) out.number(record.batch.left);
    out.text(record.group);
    write(out, *record.payload);
}
void read(ByteReader& in, record::MessageSent& record, DecodedRecord& owner) {
    record.queue = in.number32();
    record.slot = in.number32();
    record.sequence = in.number();
    record.at = in.time();
    const std::uint8_t bits = in.choice(delay_bit | traits_bit | batch_bit);
    if (has_bit(bits, delay_bit)) record.delay = in.duration();
    if (has_bit(bits, traits_bit)) {
        owner.traits = read_traits(in);
        record.traits = &owner.traits;
    }
    record.batch.member = has_bit(bits, batch_bit);
    if (record.batch.member) record.batch.left = in.number32();
    record.group = in.text();
    owner.payload = read_payload(in);
    record.payload = &owner.payload;
}

void write(ByteWriter& out, const record::MessageDeleted& record) {
    out.number(record.queue);
    out.number(record.slot);
    out.number(record.sequence);
}
void read(ByteReader& in, record::MessageDeleted& record, DecodedRecord&) {
    record.queue = in.number32();
    record.slot = in.number32();
    record.sequence = in.number();
}

void write(ByteWriter& out, const record::LeaseChanged& record) {
    out.number(record.queue);
    out.number(record.slot);
    out.number(record.sequence);
    write(out, record.state);
}
void read(ByteReader& in, record::LeaseChanged& record, DecodedRecord&) {
    record.queue = in.number32();
    record.slot = in.number32();
    record.sequence = in.number();
    record.state = read_state(in);
}

void write(ByteWriter& out, const record::MessageMoved& record) {
    const engine::Transfer& message = *record.message;
    out.number(record.from);
    out.number(record.from_slot);
    out.number(record.from_sequence);
    out.number(record.to);
    out.number(record.to_slot);
    out.number(record.to_sequence);
    out.time(record.at);
    out.time(message.sent_at);
    out.time(message.first_received_at);
    out.number(message.receive_count);
    out.number(message.source_queue);
    write_extras(out, message.traits, message.note);
    out.text(message.group);
    write(out, message.payload);
}
void read(ByteReader& in, record::MessageMoved& record, DecodedRecord& owner) {
    engine::Transfer& message = owner.transfer;
    record.from = in.number32();
    record.from_slot = message.source_slot = in.number32();
    record.from_sequence = message.source_sequence = in.number();
    record.to = in.number32();
    record.to_slot = in.number32();
    record.to_sequence = in.number();
    record.at = in.time();
    message.sent_at = in.time();
    message.first_received_at = in.time();
    message.receive_count = in.number32();
    message.source_queue = in.number32();
    read_extras(in, message.traits, message.note);
    message.group = in.text();
    message.payload = read_payload(in);
    record.message = &message;
}

void write(ByteWriter& out, const record::MessageImage& record) {
    out.number(record.queue);
    write_stored(out, *record.message, record.deduplicates);
}
void read(ByteReader& in, record::MessageImage& record, DecodedRecord& owner) {
    record.queue = in.number32();
    record.deduplicates = read_stored(in, owner.stored);
    record.message = &owner.stored;
}

void write(ByteWriter& out, const record::MessageReplaced& record) {
    out.number(record.queue);
    write_stored(out, *record.message, record.deduplicates);
    out.number(record.replaced.slot);
    out.number(record.replaced.sequence);
    out.time(record.at);
    out.flag(record.batch.member);
    if (record.batch.member) out.number(record.batch.left);
}
void read(ByteReader& in, record::MessageReplaced& record, DecodedRecord& owner) {
    record.queue = in.number32();
    record.deduplicates = read_stored(in, owner.stored);
    record.message = &owner.stored;
    record.replaced.slot = in.number32();
    record.replaced.sequence = in.number();
    record.at = in.time();
    record.batch.member = in.flag();
    if (record.batch.member) record.batch.left = in.number32();
}

void write(ByteWriter& out, const record::MessageNoted& record) {
    out.number(record.queue);
    out.number(record.slot);
    out.number(record.sequence);
    out.text(record.note);
}
void read(ByteReader& in, record::MessageNoted& record, DecodedRecord&) {
    record.queue = in.number32();
    record.slot = in.number32();
    record.sequence = in.number();
    record.note = in.text();
}

void write(ByteWriter& out, const record::DeduplicationImage& record) {
    out.number(record.queue);
    out.number(record.entry->slot);
    out.number(record.entry->sequence);
    out.time(record.entry->at);
    out.raw(record.entry->id);
    out.text(record.entry->key);
    out.duration(record.entry->unique_for);
}
void read(ByteReader& in, record::DeduplicationImage& record, DecodedRecord& owner) {
    engine::StoredDeduplication& entry = owner.deduplication;
    record.queue = in.number32();
    entry.slot = in.number32();
    entry.sequence = in.number();
    entry.at = in.time();
    in.raw(entry.id);
    entry.key = in.text();
    entry.unique_for = in.duration();
    record.entry = &entry;
}

void write(ByteWriter& out, const record::MoveTaskChanged& record) {
    out.text(record.task_id);
    out.number(record.source);
    out.text(record.destination);
    out.text(record.status);
    out.text(record.failure);
    out.number(record.max_per_second);
    out.number(record.moved);
    out.number(record.to_move);
    out.time(record.started);
    out.time(record.at);
}
void read(ByteReader& in, record::MoveTaskChanged& record, DecodedRecord&) {
    record.task_id = in.text();
    record.source = in.number32();
    record.destination = in.text();
    record.status = in.text();
    record.failure = in.text();
    record.max_per_second = in.number32();
    record.moved = in.number();
    record.to_move = in.number();
    record.started = in.time();
    record.at = in.time();
}

template <class Variant>
log::RecordType encode_any(const Variant& record, std::string& out) {
    ByteWriter writer(out);
    writer.byte(body_version);
    return std::visit(
        [&]<class T>(const T& one) {
            write(writer, one);
            return record_type<T>;
        },
        record
    );
}

template <std::size_t index>
void read_as(ByteReader& in, DecodedRecord& into) {
    read(in, into.record.emplace<index>(), into);
}

template <std::size_t... indices>
void read_index(std::size_t index, ByteReader& in, DecodedRecord& into, std::index_sequence<indices...>) {
    using Read = void (*)(ByteReader&, DecodedRecord&);
    constexpr std::array<Read, sizeof...(indices)> reads{&read_as<indices>...};
    reads[index](in, into);
}

}  // namespace

log::RecordType encode(const Record& record, std::string& out) {
    return encode_any(record, out);
}

log::RecordType encode(const AnyRecord& record, std::string& out) {
    return encode_any(record, out);
}

Result<> decode(log::RecordType type, std::string_view body, DecodedRecord& into) {
    const std::size_t index = type - record_kinds[0].type;
    if (type < record_kinds[0].type || index >= record_kinds.size()) {
        return fail(
            Errc::corrupted, describe_type(type) + " is of a type that this version does not know"
        );
    }
    ByteReader in(body);
    if (const std::uint8_t version = in.byte(); version != body_version) {
        return fail(
            Errc::corrupted,
            describe_type(type) + " has version " + std::to_string(version) +
                ", this program reads version " + std::to_string(body_version)
        );
    }
    read_index(index, in, into, std::make_index_sequence<record_kinds.size()>());
    if (in.at_end()) return {};
    return fail(
        Errc::corrupted,
        describe_type(type) + " of " + std::to_string(body.size()) + " bytes is not well-formed"
    );
}

std::optional<MessageKey> message_key(log::RecordType type, std::string_view body) {
    const bool moved = type == record_type<record::MessageMoved>;
    if (!moved && type != record_type<record::MessageSent> &&
        type != record_type<record::MessageReplaced> && type != record_type<record::MessageImage>) {
        return std::nullopt;
    }
    ByteReader in(body);
    std::ignore = in.byte();
    MessageKey key;
    for (int place = moved ? 0 : 1; place < 2; ++place) {
        key.queue = in.number32();
        key.slot = in.number32();
        key.sequence = in.number();
    }
    if (!in.good()) return std::nullopt;
    return key;
}

engine::Payload payload_of(const DecodedRecord& decoded) {
    if (std::holds_alternative<record::MessageSent>(decoded.record)) return decoded.payload;
    if (std::holds_alternative<record::MessageMoved>(decoded.record)) {
        return decoded.transfer.payload;
    }
    if (std::holds_alternative<record::MessageImage>(decoded.record) ||
        std::holds_alternative<record::MessageReplaced>(decoded.record)) {
        return decoded.stored.payload;
    }
    return {};
}

std::string describe_type(log::RecordType type) {
    std::string text = "record " + std::to_string(type);
    for (const RecordKind& kind : record_kinds) {
        if (kind.type == type) text += " (" + std::string(kind.name) + ")";
    }
    return text;
}

}  // namespace tranter::broker
