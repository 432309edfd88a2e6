#pragma once

#include "broker/record_codec.hpp"
#include "broker/restored.hpp"
#include "engine/types.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::broker {

/// Messages by slot, in chunks that exist once a slot of theirs is used: what the records of a
/// queue with millions of messages are applied to.
class SlotTable {
  public:
    /// The cell of the slot; empty when its sequence is 0.
    engine::Stored& operator[](std::uint32_t slot);
    /// Null when no chunk has it.
    engine::Stored* find(std::uint32_t slot);
    void clear() { chunks_.clear(); }
    /// Calls `visit(Stored&)` for every message; it may empty the cell.
    template <class Visit>
    void for_each(Visit visit) {
        for (auto& chunk : chunks_) {
            for (std::size_t i = 0; chunk && i < chunk_size; ++i) {
                if (chunk[i].sequence != 0) visit(chunk[i]);
            }
        }
    }
    /// Moves all messages to the end of `out`, freeing the memory as it goes.
    void drain(std::vector<engine::Stored>& out);

  private:
    static constexpr std::size_t chunk_size = 256;
    std::vector<std::unique_ptr<engine::Stored[]>> chunks_;
};

/// One queue while its records are read in the order of the log. What happens by time alone has no
/// records: restoring the queue does it in the end, except where it depends on rules that a later
/// record changes, or on a slot that is used again.
///
/// Of a batch whose last record was not seen nothing counts, unless the queue has other records
/// after it: then the missing ones are not those of a crash but were damaged.
class QueueReplay {
  public:
    QueueReplay(const record::QueueCreated& created, log::SegmentNumber segment);
    QueueReplay(const record::QueueImage& image, log::SegmentNumber segment);

    void apply(const record::QueueImage& image, log::SegmentNumber segment);
    void apply(const record::QueueChanged& change);
    void apply(const record::QueuePurged& purge);
    /// These take the message out of the record.
    void apply(const record::MessageSent& sent, engine::Payload payload);
    void apply(const record::MessageImage& image, engine::Stored message);
    void apply(const record::MessageReplaced& replaced, engine::Stored message);
    void apply(const record::DeduplicationImage& image, engine::StoredDeduplication entry);
    void apply(const record::MessageDeleted& deleted);
    void apply(const record::LeaseChanged& change);
    void apply(const record::MessageNoted& noted);
    void left(const record::MessageMoved& moved);
    void arrived(const record::MessageMoved& moved, engine::Transfer message);

    /// Whether the message is in that slot.
    bool knows(std::uint32_t slot, engine::Sequence sequence);
    /// The message's bytes stay at this place of the log.
    void leave_bytes(std::uint32_t slot, engine::Sequence sequence, log::Position place);

    const std::string& name() const { return queue_.name; }
    /// The queue with what was still true at `newest`; this object is used up.
    RestoredQueue finish(Instant newest);

  private:
    bool fifo() const { return queue_.settings->engine.groups.order == engine::Order::fifo; }
    const engine::QueuePolicy& policy() const { return queue_.settings->engine; }
    engine::Stored* find(std::uint32_t slot, engine::Sequence sequence);
    engine::Stored& claim(std::uint32_t slot, engine::Sequence sequence, Instant at);
    void erase(std::uint32_t slot, engine::Sequence sequence);
    bool expired(const engine::Stored& message, Instant at) const;
    void expire(Instant at);
    void forget_duplicates(Instant at);
    void remember(engine::StoredDeduplication entry);
    /// A message of a record that may belong to a batch.
    struct Begun {
        engine::Stored message{};
        std::optional<Duration> delay{};  // of a new message that has one of its own
        std::optional<engine::Sent::Replaced> replaced{};
        std::string deduplication_id{};  // the bytes may be left in the log before it counts
    };
    void begin(Begun begun, const record::BatchPlace& batch);
    void begin_now(Begun begun);
    /// What is left of a batch without its end stays.
    void keep_open_batch();
    void restore(engine::Stored message, std::string_view deduplication_id);
    void remember(const engine::Stored& message, std::string_view deduplication_id);
    void remember_throttle(const engine::Stored& message);
    void change_fifo_delay(Instant at);
    Instant next_place(Instant at);

    RestoredQueue queue_;
    SlotTable slots_;
    // Older messages whose slot was used again while they were on their way to another queue.
    std::vector<engine::Stored> displaced_;
    std::vector<engine::StoredDeduplication> deduplication_;  // in order of time, but for images
    std::size_t forget_at_ = 1024;                            // its size at the next cleaning
    std::int64_t last_place_ = 0;
    std::vector<Begun> open_batch_;
};

}  // namespace tranter::broker
