#include "broker/queue_replay.hpp"

#include "engine/deduplication.hpp"
#include "engine/message.hpp"

#include <algorithm>
#include <utility>

namespace tranter::broker {

using engine::DeliveryState;
using engine::Sequence;
using engine::Stored;

namespace {

bool has_unique_key(const engine::Traits& traits) {
    return traits.uniqueness != engine::Uniqueness::none && !traits.unique_key.empty();
}

}  // namespace

Stored& SlotTable::operator[](std::uint32_t slot) {
    const std::size_t chunk = slot / chunk_size;
    if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
    if (!chunks_[chunk]) chunks_[chunk] = std::make_unique<Stored[]>(chunk_size);
    return chunks_[chunk][slot % chunk_size];
}

Stored* SlotTable::find(std::uint32_t slot) {
    const std::size_t chunk = slot / chunk_size;
    if (chunk >= chunks_.size() || !chunks_[chunk]) return nullptr;
    return &chunks_[chunk][slot % chunk_size];
}

void SlotTable::drain(std::vector<Stored>& out) {
    std::size_t messages = 0;
    for_each([&](const Stored&) { ++messages; });
    out.reserve(out.size() + messages);
    for (auto& chunk : chunks_) {
        for (std::size_t i = 0; chunk && i < chunk_size; ++i) {
            if (chunk[i].sequence != 0) out.push_back(std::move(chunk[i]));
        }
        chunk.reset();
    }
}

QueueReplay::QueueReplay(const record::QueueCreated& created, log::SegmentNumber segment)
    : queue_{
          .id = created.queue,
          .name = std::string(created.name),
          .settings = std::make_shared<const QueueSettings>(*created.settings),
          .created = created.at,
          .modified = created.at,
          .described_in = segment} {}

QueueReplay::QueueReplay(const record::QueueImage& image, log::SegmentNumber segment)
    : queue_{.id = image.queue, .name = std::string(image.name), .created = image.created} {
    apply(image, segment);
}

void QueueReplay::apply(const record::QueueImage& image, log::SegmentNumber segment) {
    if (!queue_.settings || *queue_.settings != *image.settings) {
        queue_.settings = std::make_shared<const QueueSettings>(*image.settings);
    }
    queue_.modified = image.modified;
    queue_.purged = image.purged;
    queue_.last_sequence = std::max(queue_.last_sequence, image.last_sequence);
    queue_.described_in = segment;
}

void QueueReplay::apply(const record::QueueChanged& change) {
    keep_open_batch();
    const engine::QueuePolicy before = policy();
    const engine::QueuePolicy& after = change.settings->engine;
    const bool other_times = before.retention != after.retention ||
                             before.deduplication_window != after.deduplication_window;
    // What had ended under the old rules stays ended, and the new ones count at once.
    if (other_times) expire(change.at);
    queue_.settings = std::make_shared<const QueueSettings>(*change.settings);
    queue_.modified = change.at;
    if (fifo() && before.delay != after.delay) change_fifo_delay(change.at);
    if (other_times) expire(change.at);
}

void QueueReplay::apply(const record::QueuePurged& purge) {
    slots_.clear();
    displaced_.clear();
    deduplication_.clear();
    open_batch_.clear();
    queue_.purged = purge.at;
}

void QueueReplay::apply(const record::MessageSent& sent, engine::Payload payload) {
    Begun begun{.delay = sent.delay};
    Stored& message = begun.message;
    begun.deduplication_id = payload.deduplication_id();
    message.payload = std::move(payload);
    message.group = sent.group;
    message.slot = sent.slot;
    message.sequence = sent.sequence;
    message.sent_at = sent.at;
    if (sent.traits != nullptr) {
        message.traits = *sent.traits;
        if (has_unique_key(message.traits)) message.unique_since = sent.at;
    }
    begin(std::move(begun), sent.batch);
}

void QueueReplay::apply(const record::MessageReplaced& replaced, Stored message) {
    Begun begun{.replaced = replaced.replaced};
    if (replaced.deduplicates) begun.deduplication_id = message.payload.deduplication_id();
    begun.message = std::move(message);
    begin(std::move(begun), replaced.batch);
}

void QueueReplay::begin(Begun begun, const record::BatchPlace& batch) {
    if (!batch.member) {
        keep_open_batch();
        return begin_now(std::move(begun));
    }
    open_batch_.push_back(std::move(begun));
    if (batch.left == 0) keep_open_batch();
}

void QueueReplay::keep_open_batch() {
    for (Begun& begun : std::exchange(open_batch_, {}))
        begin_now(std::move(begun));
}

void QueueReplay::begin_now(Begun begun) {
    if (begun.replaced) {
        erase(begun.replaced->slot, begun.replaced->sequence);
        return restore(std::move(begun.message), begun.deduplication_id);
    }
    Stored& message = claim(begun.message.slot, begun.message.sequence, begun.message.sent_at);
    message = std::move(begun.message);
    const Duration delay = begun.delay.value_or(policy().delay);
    if (delay > Duration::zero()) {
        const Instant due = engine::later(message.sent_at, delay);
        message.delivery = {.state = DeliveryState::State::delayed, .due = due};
    } else if (!fifo()) {
        message.delivery = {.due = next_place(message.sent_at)};
    }
    remember(message, begun.deduplication_id);
    remember_throttle(message);
}

void QueueReplay::apply(const record::MessageImage& image, Stored stored) {
    keep_open_batch();
    const std::string id(image.deduplicates ? stored.payload.deduplication_id() : "");
    restore(std::move(stored), id);
}

void QueueReplay::restore(Stored stored, std::string_view deduplication_id) {
    // It may have had another slot, or stand displaced.
    std::erase_if(displaced_, [&](const Stored& old) { return old.sequence == stored.sequence; });
    Stored& message = claim(stored.slot, stored.sequence, stored.sent_at);
    message = std::move(stored);
    const DeliveryState& state = message.delivery;
    if (!fifo() && state.state == DeliveryState::State::visible) {
        last_place_ = std::max<std::int64_t>(last_place_, state.due.time_since_epoch().count());
    }
    remember(message, deduplication_id);
}

void QueueReplay::apply(const record::DeduplicationImage&, engine::StoredDeduplication entry) {
    keep_open_batch();
    remember(std::move(entry));
}

void QueueReplay::apply(const record::MessageDeleted& deleted) {
    // Opening a store deletes what it found of a batch without its end.
    const std::size_t dropped = std::erase_if(open_batch_, [&](const Begun& begun) {
        return begun.message.sequence == deleted.sequence;
    });
    // One of the batch whose record is gone already is not known either.
    if (dropped > 0 || find(deleted.slot, deleted.sequence) == nullptr) return;
    keep_open_batch();
    erase(deleted.slot, deleted.sequence);
}

void QueueReplay::apply(const record::LeaseChanged& change) {
    keep_open_batch();
    Stored* message = find(change.slot, change.sequence);
    if (message == nullptr) return;
    message->delivery = change.state;
    if (!fifo() && change.state.state == DeliveryState::State::visible) {
        last_place_ =
            std::max<std::int64_t>(last_place_, change.state.due.time_since_epoch().count());
    }
}

void QueueReplay::apply(const record::MessageNoted& noted) {
    keep_open_batch();
    if (Stored* message = find(noted.slot, noted.sequence)) message->note = noted.note;
}

void QueueReplay::left(const record::MessageMoved& moved) {
    keep_open_batch();
    erase(moved.from_slot, moved.from_sequence);
}

void QueueReplay::arrived(const record::MessageMoved& moved, engine::Transfer transfer) {
    keep_open_batch();
    Stored& message = claim(moved.to_slot, moved.to_sequence, moved.at);
    message.payload = std::move(transfer.payload);
    message.group = std::move(transfer.group);
    message.sent_at = transfer.sent_at;
    message.source_queue = transfer.source_queue;
    message.moved_in = true;
    message.moved_at = moved.at;
    message.traits = std::move(transfer.traits);
    message.note = std::move(transfer.note);
    if (has_unique_key(message.traits)) message.unique_since = transfer.sent_at;
    message.delivery.receive_count = transfer.receive_count;
    if (transfer.receive_count > 0) {
        message.delivery.first_received_at = transfer.first_received_at;
    }
    if (!fifo()) message.delivery.due = next_place(moved.at);
}

bool QueueReplay::knows(std::uint32_t slot, Sequence sequence) {
    return find(slot, sequence) != nullptr;
}

void QueueReplay::leave_bytes(std::uint32_t slot, Sequence sequence, log::Position place) {
    Stored* message = find(slot, sequence);
    if (message != nullptr) message->payload = message->payload.without_bytes(place);
    for (Begun& begun : open_batch_) {
        if (begun.message.sequence != sequence) continue;
        begun.message.payload = begun.message.payload.without_bytes(place);
    }
}

RestoredQueue QueueReplay::finish(Instant newest) {
    forget_duplicates(newest);
    queue_.messages = std::move(displaced_);
    slots_.drain(queue_.messages);
    queue_.deduplication = std::move(deduplication_);
    for (const Begun& begun : open_batch_) {
        const Stored& message = begun.message;
        queue_.dropped.push_back(
            {.queue = queue_.id, .slot = message.slot, .sequence = message.sequence}
        );
        queue_.last_sequence = std::max(queue_.last_sequence, message.sequence);
    }
    return std::move(queue_);
}

Stored* QueueReplay::find(std::uint32_t slot, Sequence sequence) {
    Stored* message = slots_.find(slot);
    if (message != nullptr && message->sequence == sequence) return message;
    for (Stored& other : displaced_) {
        if (other.sequence == sequence) return &other;
    }
    return nullptr;
}

/// The cell of a message that begins or is written anew, empty but for its numbers.
Stored& QueueReplay::claim(std::uint32_t slot, Sequence sequence, Instant at) {
    Stored& message = slots_[slot];
    const bool other = message.sequence != 0 && message.sequence != sequence;
    if (other && !expired(message, at)) displaced_.push_back(std::move(message));
    message = {};
    message.slot = slot;
    message.sequence = sequence;
    queue_.last_sequence = std::max(queue_.last_sequence, sequence);
    return message;
}

void QueueReplay::erase(std::uint32_t slot, Sequence sequence) {
    Stored* message = find(slot, sequence);
    if (message == nullptr) return;
    if (displaced_.empty() || message < displaced_.data() ||
        message >= displaced_.data() + displaced_.size()) {
        *message = {};
    } else {
        displaced_.erase(displaced_.begin() + (message - displaced_.data()));
    }
}

bool QueueReplay::expired(const Stored& message, Instant at) const {
    if (policy().retention == Duration::zero()) return false;
    const Instant base = message.moved_in && fifo() ? message.moved_at : message.sent_at;
    return base + policy().retention <= at;
}

void QueueReplay::expire(Instant at) {
    slots_.for_each([&](Stored& message) {
        if (expired(message, at)) message = {};
    });
    std::erase_if(displaced_, [&](const Stored& message) { return expired(message, at); });
    forget_duplicates(at);
}

void QueueReplay::forget_duplicates(Instant at) {
    std::erase_if(deduplication_, [&](const engine::StoredDeduplication& entry) {
        const bool throttle = entry.unique_for > Duration::zero();
        const Duration lasts = throttle ? entry.unique_for : policy().deduplication_window;
        return engine::later(entry.at, lasts) <= at;
    });
    forget_at_ = std::max<std::size_t>(1024, 2 * deduplication_.size());
}

void QueueReplay::remember(engine::StoredDeduplication entry) {
    if (deduplication_.size() >= forget_at_) forget_duplicates(entry.at);
    deduplication_.push_back(std::move(entry));
}

void QueueReplay::remember(const Stored& message, std::string_view id) {
    if (!fifo() || id.empty()) return;
    const bool per_group =
        policy().deduplication_scope == engine::DeduplicationScope::message_group;
    const std::string_view group = per_group ? std::string_view(message.group) : "";
    remember(
        {.key = engine::Deduplication::key(group, id),
         .id = message.payload.id(),
         .sequence = message.sequence,
         .slot = message.slot,
         .at = message.sent_at}
    );
}

void QueueReplay::remember_throttle(const Stored& message) {
    const engine::Traits& traits = message.traits;
    if (traits.uniqueness != engine::Uniqueness::throttle || !has_unique_key(traits)) return;
    if (traits.unique_for <= Duration::zero()) return;
    remember(
        {.key = traits.unique_key,
         .id = message.payload.id(),
         .sequence = message.sequence,
         .slot = message.slot,
         .at = message.sent_at,
         .unique_for = traits.unique_for}
    );
}

/// As engine::Queue::set_policy() does: waiting messages that nobody received yet get it as well.
void QueueReplay::change_fifo_delay(Instant at) {
    slots_.for_each([&](Stored& message) {
        DeliveryState& state = message.delivery;
        if (message.moved_in || state.deliveries > 0 ||
            state.state == DeliveryState::State::in_flight)
            return;
        const Instant due = message.sent_at + policy().delay;
        const bool waits = due > at;
        state.state = waits ? DeliveryState::State::delayed : DeliveryState::State::visible;
        state.due = waits ? due : Instant{};
    });
}

Instant QueueReplay::next_place(Instant at) {
    last_place_ = std::max<std::int64_t>(last_place_ + 1, at.time_since_epoch().count());
    return Instant(Duration(last_place_));
}

}  // namespace tranter::broker
