#include "cli/data_records.hpp"

#include "base/duration.hpp"
#include "base/uuid.hpp"
#include "broker/record_codec.hpp"
#include "cli/message_record.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace tranter::cli {
namespace {

namespace record = broker::record;

constexpr std::size_t beginning_bytes = 64;

Json time_text(Instant when) {
    return format_utc_millis(unix_millis(when));
}

/// At most so many bytes, without a part of a character at the end.
std::string beginning(std::string_view text) {
    if (text.size() <= beginning_bytes) return std::string(text);
    std::size_t end = beginning_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    return std::string(text.substr(0, end)) + "...";
}

std::string_view state_text(engine::DeliveryState::State state) {
    switch (state) {
        case engine::DeliveryState::State::visible:
            return "visible";
        case engine::DeliveryState::State::in_flight:
            return "in_flight";
        case engine::DeliveryState::State::delayed:
            break;
    }
    return "delayed";
}

std::string_view uniqueness_text(engine::Uniqueness uniqueness) {
    switch (uniqueness) {
        case engine::Uniqueness::none:
            break;
        case engine::Uniqueness::simple:
            return "simple";
        case engine::Uniqueness::throttle:
            return "throttle";
        case engine::Uniqueness::debounce:
            return "debounce";
        case engine::Uniqueness::keep_latest:
            return "keep_latest";
    }
    return "none";
}

Json settings_object(const broker::QueueSettings& settings) {
    const engine::QueuePolicy& policy = settings.engine;
    Json object;
    object.set("fifo", policy.groups.order == engine::Order::fifo)
        .set("visibility_timeout", format_duration(policy.visibility_timeout))
        .set("delay", format_duration(policy.delay))
        .set("retention", format_duration(policy.retention))
        .set("receive_wait", format_duration(settings.receive_wait))
        .set("max_message_size", settings.max_message_bytes)
        .set("max_bytes", settings.bytes_max)
        .set("max_in_flight", policy.max_in_flight)
        .set("priority_aging", format_duration(policy.priority_aging))
        .set("paused", policy.paused);
    if (!settings.dead_letter_queue.empty()) {
        object.set("dead_letter_queue", settings.dead_letter_queue)
            .set("max_receives", policy.max_receives);
    }
    if (!settings.copy_to.empty()) object.set("copy_to", settings.copy_to);
    if (!settings.move_to.empty()) object.set("move_to", settings.move_to);
    for (const auto& [member, values] :
         {std::pair("tags", &settings.tags), std::pair("attributes", &settings.attributes)}) {
        if (values->empty()) continue;
        Json list;
        for (const auto& [name, value] : *values)
            list.set(name, value);
        object.set(member, std::move(list));
    }
    return object;
}

/// Adds what a record of one kind says. Members have the same names in all kinds.
class Describe {
  public:
    Describe(Json& row, bool bodies) : row_(row), bodies_(bodies) {}

    void operator()(const record::StoreImage& image) const {
        row_.set("last_queue", image.last_queue);
    }
    void operator()(const record::QueueCreated& created) const {
        row_.set("queue", created.queue).set("name", created.name);
        row_.set("at", time_text(created.at)).set("settings", settings_object(*created.settings));
    }
    void operator()(const record::QueueChanged& changed) const {
        row_.set("queue", changed.queue);
        row_.set("at", time_text(changed.at)).set("settings", settings_object(*changed.settings));
    }
    void operator()(const record::QueueDeleted& deleted) const {
        row_.set("queue", deleted.queue).set("at", time_text(deleted.at));
    }
    void operator()(const record::QueuePurged& purged) const {
        row_.set("queue", purged.queue).set("at", time_text(purged.at));
    }
    void operator()(const record::QueueImage& image) const {
        row_.set("queue", image.queue)
            .set("name", image.name)
            .set("created", time_text(image.created))
            .set("modified", time_text(image.modified))
            .set("purged", image.purged ? time_text(*image.purged) : Json())
            .set("last_sequence", image.last_sequence)
            .set("settings", settings_object(*image.settings));
    }
    void operator()(const record::MessageSent& sent) const {
        add_place(sent.queue, sent.slot, sent.sequence);
        row_.set("at", time_text(sent.at));
        if (sent.delay) row_.set("delay", format_duration(*sent.delay));
        if (sent.traits != nullptr) add_traits(*sent.traits);
        add_batch(sent.batch);
        add_payload(*sent.payload, sent.group);
    }
    void operator()(const record::MessageDeleted& deleted) const {
        add_place(deleted.queue, deleted.slot, deleted.sequence);
    }
    void operator()(const record::LeaseChanged& changed) const {
        add_place(changed.queue, changed.slot, changed.sequence);
        add_state(changed.state);
    }
    void operator()(const record::MessageNoted& noted) const {
        add_place(noted.queue, noted.slot, noted.sequence);
        add_note(noted.note);
    }
    void operator()(const record::MessageReplaced& replaced) const {
        add_stored(replaced.queue, *replaced.message, replaced.deduplicates);
        row_.set("replaced_sequence", replaced.replaced.sequence).set("at", time_text(replaced.at));
        add_batch(replaced.batch);
    }
    void operator()(const record::MessageMoved& moved) const {
        add_place(moved.to, moved.to_slot, moved.to_sequence);
        row_.set("from_queue", moved.from)
            .set("from_sequence", moved.from_sequence)
            .set("at", time_text(moved.at))
            .set("sent_at", time_text(moved.message->sent_at))
            .set("receive_count", moved.message->receive_count);
        add_traits(moved.message->traits);
        add_note(moved.message->note);
        add_payload(moved.message->payload, moved.message->group);
    }
    void operator()(const record::MessageImage& image) const {
        add_stored(image.queue, *image.message, image.deduplicates);
    }
    void operator()(const record::DeduplicationImage& image) const {
        add_place(image.queue, image.entry->slot, image.entry->sequence);
        const engine::StoredDeduplication& entry = *image.entry;
        const bool throttle = entry.unique_for > Duration::zero();
        row_.set("message_id", format_uuid(entry.id))
            .set(throttle ? "unique_key" : "deduplication_id", entry.key)
            .set("at", time_text(entry.at));
        if (throttle) row_.set("unique_for", format_duration(entry.unique_for));
    }
    void operator()(const record::MoveTaskChanged& changed) const {
        row_.set("task", changed.task_id)
            .set("queue", changed.source)
            .set("destination", changed.destination)
            .set("status", changed.status)
            .set("moved", changed.moved)
            .set("to_move", changed.to_move)
            .set("at", time_text(changed.at));
        if (!changed.failure.empty()) row_.set("failure", changed.failure);
    }

  private:
    void add_place(broker::QueueId queue, std::uint32_t slot, engine::Sequence sequence) const {
        row_.set("queue", queue).set("slot", slot).set("sequence", sequence);
    }
    void add_state(const engine::DeliveryState& state) const {
        row_.set("state", state_text(state.state))
            .set("due", time_text(state.due))
            .set("deliveries", state.deliveries)
            .set("receive_count", state.receive_count);
        if (state.cancel_requested) row_.set("cancel_requested", true);
    }
    void add_stored(broker::QueueId queue, const engine::Stored& message, bool deduplicates) const {
        add_place(queue, message.slot, message.sequence);
        row_.set("sent_at", time_text(message.sent_at));
        if (message.source_queue != 0) row_.set("from_queue", message.source_queue);
        add_state(message.delivery);
        row_.set("deduplicates", deduplicates);
        add_traits(message.traits);
        add_note(message.note);
        add_payload(message.payload, message.group);
    }
    void add_traits(const engine::Traits& traits) const {
        if (traits == engine::Traits{}) return;
        row_.set("priority", traits.priority);
        if (traits.max_receives != 0) row_.set("max_receives", traits.max_receives);
        if (traits.deadline != Instant{}) row_.set("deadline", time_text(traits.deadline));
        if (traits.uniqueness == engine::Uniqueness::none) return;
        row_.set("uniqueness", uniqueness_text(traits.uniqueness))
            .set("unique_key", traits.unique_key)
            .set("unique_for", format_duration(traits.unique_for));
    }
    void add_batch(const record::BatchPlace& batch) const {
        if (batch.member) row_.set("batch_left", batch.left);
    }
    void add_note(std::string_view note) const {
        if (note.empty()) return;
        row_.set("note_bytes", note.size())
            .set("note", bodies_ ? std::string(note) : beginning(note));
    }
    void add_payload(const engine::Payload& payload, std::string_view group) const {
        row_.set("message_id", format_uuid(payload.id()));
        if (!group.empty()) row_.set("group", group);
        if (!payload.deduplication_id().empty()) {
            row_.set("deduplication_id", payload.deduplication_id());
        }
        row_.set("body_bytes", payload.body().size());
        row_.set("body", bodies_ ? std::string(payload.body()) : beginning(payload.body()));
    }

    Json& row_;
    const bool bodies_;
};

}  // namespace

Result<> describe_record(Json& row, log::RecordType type, std::string_view body, bool bodies) {
    const auto kind = std::ranges::find(broker::record_kinds, type, &broker::RecordKind::type);
    if (kind == broker::record_kinds.end()) {
        row.set("type", type);
    } else {
        row.set("type", kind->name);
    }
    broker::DecodedRecord decoded;
    if (Result<> read = broker::decode(type, body, decoded); !read) {
        row.set("error", read.error().message());
        return read;
    }
    std::visit(Describe(row, bodies), decoded.record);
    return {};
}

}  // namespace tranter::cli
