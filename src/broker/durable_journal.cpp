#include "broker/durable_journal.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <utility>

namespace tranter::broker {
namespace {

/// Reused, so that a record costs no allocation. A large message does not keep its memory.
std::string& body_buffer() {
    constexpr std::size_t kept_bytes_max = 64U << 10U;
    thread_local std::string buffer;
    if (buffer.capacity() > kept_bytes_max) buffer = {};
    buffer.clear();
    return buffer;
}

/// The queue that must be known to whoever reads the record; 0: none.
QueueId described_queue(const Record& record) {
    return std::visit(
        []<class T>(const T& one) -> QueueId {
            if constexpr (requires { one.to; }) {
                return one.to;
            } else if constexpr (requires { one.task_id; } || requires { one.name; }) {
                return 0;
            } else {
                return one.queue;
            }
        },
        record
    );
}

}  // namespace

void DurableJournal::restore(const RestoredQueue& queue) {
    queues_[queue.id] = {
        .name = queue.name,
        .settings = *queue.settings,
        .created = queue.created,
        .modified = queue.modified,
        .purged = queue.purged,
        .last_sequence = queue.last_sequence,
        .segment = queue.described_in};
}

Position DurableJournal::append(const Record& record) {
    std::string& body = body_buffer();
    const log::RecordType type = encode(record, body);
    const std::lock_guard lock(mutex_);
    const Position at = put_described(described_queue(record), type, body);
    note(record, at);
    return at;
}

void DurableJournal::when_durable(Position position, Done done) {
    log_.when_durable(position, std::move(done));
}

void DurableJournal::when_written(Position position, Done done) {
    log_.when_written(position, std::move(done));
}

engine::Payload DurableJournal::load(Position position) const {
    try {
        const auto found = log_.read(position);
        if (!found) return {};
        DecodedRecord decoded;
        if (decode(found->type, found->body, decoded)) return payload_of(decoded);
        log_error("store", "a record is not what it was", {{"position", position}});
    } catch (const SystemError& error) {
        log_error("store", "a message cannot be read", {{"error", error.what()}});
    }
    return {};
}

Accepts DurableJournal::accepts() const {
    switch (log_.accepts()) {
        case log::Accepts::everything:
            return Accepts::everything;
        case log::Accepts::no_growth:
            return Accepts::no_growth;
        case log::Accepts::nothing:
            break;
    }
    return Accepts::nothing;
}

Position DurableJournal::append_image(const record::StoreImage& image) {
    return append_described(0, image);
}

Position DurableJournal::append_image(const record::MessageImage& image) {
    return append_described(image.queue, image);
}

Position DurableJournal::append_image(const record::DeduplicationImage& image) {
    return append_described(image.queue, image);
}

Position DurableJournal::append_described(QueueId queue, const AnyRecord& image) {
    std::string& body = body_buffer();
    const log::RecordType type = encode(image, body);
    const std::lock_guard lock(mutex_);
    return put_described(queue, type, body);
}

void DurableJournal::renew_queue_image(QueueId queue, log::SegmentNumber going) {
    const std::lock_guard lock(mutex_);
    const auto found = queues_.find(queue);
    if (found == queues_.end() || found->second.segment > going) return;
    append_queue_image(queue, found->second);
}

/// The log may begin a segment by itself between a look and an append, and an image may be what
/// closes its segment: then the record needs another image, in the segment that it goes to.
Position DurableJournal::put_described(QueueId queue, log::RecordType type, std::string_view body) {
    const auto found = queues_.find(queue);
    if (found == queues_.end()) return put(type, body);
    // More are needed only if an image fills a whole segment, which settings_bytes_max prevents.
    constexpr int tries_max = 8;
    for (int tries = 0; tries < tries_max; ++tries) {
        const log::SegmentNumber segment = log_.next_segment();
        if (found->second.segment != segment) append_queue_image(queue, found->second);
        if (found->second.segment != segment) continue;
        const Position at = log_.append_in(segment, type, body);
        if (at == 0) continue;
        last_.store(at, std::memory_order_release);
        return at;
    }
    return put(type, body);
}

void DurableJournal::append_queue_image(QueueId queue, Described& described) {
    // Not body_buffer(), which holds the record that this image precedes.
    thread_local std::string body;
    body.clear();
    const AnyRecord image = record::QueueImage{
        .queue = queue,
        .name = described.name,
        .settings = &described.settings,
        .created = described.created,
        .modified = described.modified,
        .purged = described.purged,
        .last_sequence = described.last_sequence};
    const log::RecordType type = encode(image, body);
    described.segment = log::segment_of(put(type, body));
}

void DurableJournal::note(const Record& record, Position at) {
    if (const auto* created = std::get_if<record::QueueCreated>(&record)) {
        queues_[created->queue] = {
            .name = std::string(created->name),
            .settings = *created->settings,
            .created = created->at,
            .modified = created->at,
            .segment = log::segment_of(at)};
        return;
    }
    const auto found = queues_.find(described_queue(record));
    if (found == queues_.end()) return;
    Described& queue = found->second;
    if (const auto* sent = std::get_if<record::MessageSent>(&record)) {
        queue.last_sequence = std::max(queue.last_sequence, sent->sequence);
    } else if (const auto* moved = std::get_if<record::MessageMoved>(&record)) {
        queue.last_sequence = std::max(queue.last_sequence, moved->to_sequence);
    } else if (const auto* replaced = std::get_if<record::MessageReplaced>(&record)) {
        queue.last_sequence = std::max(queue.last_sequence, replaced->message->sequence);
    } else if (const auto* changed = std::get_if<record::QueueChanged>(&record)) {
        queue.settings = *changed->settings;
        queue.modified = changed->at;
    } else if (const auto* purged = std::get_if<record::QueuePurged>(&record)) {
        queue.purged = purged->at;
    } else if (std::holds_alternative<record::QueueDeleted>(record)) {
        queues_.erase(found);
    }
}

Position DurableJournal::put(log::RecordType type, std::string_view body) {
    const Position at = log_.append(type, body);
    last_.store(at, std::memory_order_release);
    return at;
}

}  // namespace tranter::broker
