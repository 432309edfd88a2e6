#include "broker/keeper.hpp"

#include "broker/broker_impl.hpp"
#include "log/scan.hpp"

#include <utility>
#include <variant>

namespace tranter::broker {
namespace {

/// About what a frame, a record and its smaller parts take beside the payload.
constexpr std::uint64_t record_overhead_bytes = 128;

/// The rest only changed or ended what older records or images began.
constexpr bool may_be_kept(log::RecordType type) {
    return type == record_type<record::StoreImage> || type == record_type<record::QueueCreated> ||
           type == record_type<record::QueueImage> ||
           type == record_type<record::DeduplicationImage> ||
           type == record_type<record::MoveTaskChanged>;
}

}  // namespace

void StoreKeeper::keep(log::Position at, log::RecordType type, std::string_view body) {
    if (const auto key = message_key(type, body)) {
        return keep_message(*key, type, body, newer_follows(*key, at));
    }
    if (!may_be_kept(type)) return;
    if (const auto read = decode(type, body, decoded_); !read) {
        throw log::CorruptLog(
            log::segment_name(log::segment_of(at)) + ", offset " +
            std::to_string(log::offset_of(at)) + ": " + read.error().message()
        );
    }
    const log::SegmentNumber going = log::segment_of(at);
    const AnyRecord& record = decoded_.record;
    if (const auto* created = std::get_if<record::QueueCreated>(&record)) {
        keep_store_image(going);
        journal_.renew_queue_image(created->queue, going);
    } else if (const auto* image = std::get_if<record::QueueImage>(&record)) {
        keep_store_image(going);
        journal_.renew_queue_image(image->queue, going);
    } else if (std::holds_alternative<record::StoreImage>(record)) {
        keep_store_image(going);
    } else if (const auto* entry = std::get_if<record::DeduplicationImage>(&record)) {
        const QueueHandle queue = broker_.find_queue(entry->queue);
        if (!queue) return;
        const QueueLock lock(queue->state());
        keep_deduplication(queue->state(), std::move(decoded_.deduplication));
    } else if (const auto* task = std::get_if<record::MoveTaskChanged>(&record)) {
        keep_task(at, *task);
    }
}

/// Otherwise every interrupted compaction would leave one more record of each message, and those
/// would be written again and again for as long as the message lives.
bool StoreKeeper::newer_follows(const MessageKey& key, log::Position at) {
    const auto newest = copies_.find(key);
    if (newest == copies_.end()) return false;
    if (at < newest->second) return true;
    copies_.erase(newest);
    return false;
}

void StoreKeeper::keep_message(
    const MessageKey& key, log::RecordType type, std::string_view body, bool copy
) {
    const QueueHandle queue = broker_.find_queue(key.queue);
    if (!queue) return;
    Aftermath aftermath;
    {
        const QueueLock lock(queue->state());
        if (queue->state().deleted) return;
        keep_message(queue->state(), key, type, body, copy);
        // What ended is reported with its body, which may be in this record.
        broker_.impl_->note_ended(queue->state(), aftermath);
    }
    broker_.impl_->finish(queue, std::move(aftermath));
}

/// With the queue's mutex held.
void StoreKeeper::keep_message(
    Queue::State& state,
    const MessageKey& key,
    log::RecordType type,
    std::string_view body,
    bool copy
) {
    auto stored = state.engine.stored(key.slot, key.sequence);
    if (!stored) return keep_what_outlives(state, key, type, body);
    if (!copy) write_message(state, key, type, body, *stored);
    // Its own record began the throttle; an image does not.
    if (type != record_type<record::MessageSent>) return;
    keep_throttle(state, key, stored->traits, stored->payload.id(), stored->sent_at);
}

void StoreKeeper::write_message(
    Queue::State& state,
    const MessageKey& key,
    log::RecordType type,
    std::string_view body,
    engine::Stored& message
) {
    const bool elsewhere = !message.payload.has_bytes();
    if (elsewhere) {
        if (!decode(type, body, decoded_)) return;
        message.payload = payload_of(decoded_);
    }
    const std::string_view id = message.payload.deduplication_id();
    const bool deduplicates =
        state.fifo && !message.moved_in && !id.empty() &&
        state.engine.deduplicated_as(state.engine.deduplication_key(message.group, id)) ==
            key.sequence;
    const Position position = journal_.append_image(record::MessageImage{
        .queue = state.id, .message = &message, .deduplicates = deduplicates});
    if (elsewhere) state.engine.move_bytes(key.slot, key.sequence, position);
}

/// The message is gone, but its de-duplication id or a throttle may still count.
void StoreKeeper::keep_what_outlives(
    Queue::State& state, const MessageKey& key, log::RecordType type, std::string_view body
) {
    if (state.engine.deduplication_ids() == 0 || !decode(type, body, decoded_)) return;
    engine::StoredDeduplication entry{.sequence = key.sequence, .slot = key.slot};
    const auto take = [&](const engine::Payload& payload, std::string_view group, Instant at) {
        if (!state.fifo || payload.deduplication_id().empty()) return;
        entry.key = state.engine.deduplication_key(group, payload.deduplication_id());
        entry.id = payload.id();
        entry.at = at;
    };
    if (const auto* sent = std::get_if<record::MessageSent>(&decoded_.record)) {
        take(*sent->payload, sent->group, sent->at);
        if (sent->traits != nullptr) {
            keep_throttle(state, key, *sent->traits, sent->payload->id(), sent->at);
        }
    } else if (const auto* image = std::get_if<record::MessageImage>(&decoded_.record)) {
        const engine::Stored& message = *image->message;
        if (image->deduplicates) take(message.payload, message.group, message.sent_at);
    } else if (const auto* replaced = std::get_if<record::MessageReplaced>(&decoded_.record)) {
        const engine::Stored& message = *replaced->message;
        if (replaced->deduplicates) take(message.payload, message.group, message.sent_at);
    }
    if (!entry.key.empty()) keep_deduplication(state, std::move(entry));
}

void StoreKeeper::keep_throttle(
    Queue::State& state,
    const MessageKey& key,
    const engine::Traits& traits,
    const engine::MessageId& id,
    Instant at
) {
    if (traits.uniqueness != engine::Uniqueness::throttle) return;
    if (traits.unique_for <= Duration::zero()) return;
    keep_deduplication(
        state,
        {.key = traits.unique_key,
         .id = id,
         .sequence = key.sequence,
         .slot = key.slot,
         .at = at,
         .unique_for = traits.unique_for}
    );
}

/// With the queue's mutex held.
void StoreKeeper::keep_deduplication(Queue::State& state, engine::StoredDeduplication entry) {
    if (state.deleted) return;
    state.engine.advance(broker_.now());
    const bool throttle = entry.unique_for > Duration::zero();
    const engine::Sequence counts =
        throttle ? state.engine.throttled_as(entry.key) : state.engine.deduplicated_as(entry.key);
    if (counts != entry.sequence) return;
    journal_.append_image(record::DeduplicationImage{.queue = state.id, .entry = &entry});
}

void StoreKeeper::keep_task(log::Position at, const record::MoveTaskChanged& change) {
    Broker::Impl& impl = *broker_.impl_;
    const std::lock_guard lock(impl.tasks_mutex);
    for (Broker::Impl::Task& task : impl.tasks) {
        // Its newest record goes.
        if (task.view.id == change.task_id && task.position <= at) impl.log_task(task);
    }
}

void StoreKeeper::keep_store_image(log::SegmentNumber going) {
    if (store_image_for_ == going) return;
    store_image_for_ = going;
    Broker::Impl& impl = *broker_.impl_;
    const std::shared_lock lock(impl.registry_mutex);
    journal_.append_image(record::StoreImage{.last_queue = impl.last_id});
}

void StoreKeeper::settle() {
    broker_.impl_->transfers.settle();
}

std::uint64_t StoreKeeper::live_bytes() const {
    std::uint64_t bytes = 0;
    for (const QueueHandle& queue : broker_.list_queues({}, {}, std::string::npos)) {
        const QueueLock lock(queue->state());
        const engine::Counters counters = queue->state().engine.counters();
        const std::uint64_t messages = counters.visible + counters.in_flight + counters.delayed;
        bytes += counters.bytes + (messages + 1) * record_overhead_bytes +
                 settings_bytes(*queue->state().settings);
        // Ids outlive their messages, by a window in which there can be many of them.
        const std::uint64_t ids = queue->state().engine.deduplication_ids();
        if (ids <= messages) continue;
        bytes += (ids - messages) * record_overhead_bytes +
                 queue->state().engine.deduplication_bytes() / ids * (ids - messages);
    }
    Broker::Impl& impl = *broker_.impl_;
    const std::lock_guard lock(impl.tasks_mutex);
    return bytes + impl.tasks.size() * record_overhead_bytes;
}

}  // namespace tranter::broker
