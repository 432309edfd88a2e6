#pragma once

#include "broker/broker.hpp"
#include "broker/durable_journal.hpp"
#include "broker/record_codec.hpp"
#include "log/compaction.hpp"

#include <map>
#include <utility>

namespace tranter::broker {

/// Knows of each record of a store's log whether it is still needed, and writes that again.
class StoreKeeper final : public log::Keeper {
  public:
    /// Both outlive the keeper.
    StoreKeeper(Broker& broker, DurableJournal& journal) : broker_(broker), journal_(journal) {}

    /// Of these only the record at the place is written again: those before it are the same.
    void skip_before(std::map<MessageKey, log::Position> copies) { copies_ = std::move(copies); }

    void keep(log::Position at, log::RecordType type, std::string_view body) override;
    /// Waits for dead letters and moved messages on their way; never long, because nothing blocks
    /// between taking a message out and putting it in.
    void settle() override;
    std::uint64_t live_bytes() const override;

  private:
    void keep_message(
        const MessageKey& key, log::RecordType type, std::string_view body, bool copy
    );
    void keep_message(
        Queue::State& state,
        const MessageKey& key,
        log::RecordType type,
        std::string_view body,
        bool copy
    );
    void write_message(
        Queue::State& state,
        const MessageKey& key,
        log::RecordType type,
        std::string_view body,
        engine::Stored& message
    );
    bool newer_follows(const MessageKey& key, log::Position at);
    void keep_what_outlives(
        Queue::State& state, const MessageKey& key, log::RecordType type, std::string_view body
    );
    void keep_throttle(
        Queue::State& state,
        const MessageKey& key,
        const engine::Traits& traits,
        const engine::MessageId& id,
        Instant at
    );
    void keep_deduplication(Queue::State& state, engine::StoredDeduplication entry);
    void keep_task(log::Position at, const record::MoveTaskChanged& change);
    void keep_store_image(log::SegmentNumber going);

    Broker& broker_;
    DurableJournal& journal_;
    log::SegmentNumber store_image_for_ = 0;  // the going segment for which one was written last
    std::map<MessageKey, log::Position> copies_;
    DecodedRecord decoded_;
};

}  // namespace tranter::broker
