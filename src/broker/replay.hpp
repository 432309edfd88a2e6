#pragma once

#include "broker/queue_replay.hpp"
#include "broker/record_codec.hpp"
#include "broker/restored.hpp"
#include "log/log.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tranter::broker {

/// Makes of the records of a log, given in order, what its broker was. Takes every suffix of
/// segments: records of queues and messages that it has not seen are of some that are gone. Images
/// may come more than once.
class Replay final : public log::RecordVisitor {
  public:
    /// Whether messages stay without their bytes, which are in the records: for a log that does not
    /// fit into memory.
    explicit Replay(bool leave_bytes = false) : leave_bytes_(leave_bytes) {}

    /// Throws log::CorruptLog when an intact record is none of ours.
    void record(log::Position at, log::RecordType type, std::string_view body) override;

    /// Time of the newest record.
    Instant newest() const { return newest_; }
    /// Messages that are in the log more than once, because a compaction was interrupted, with the
    /// place of the last time. Once.
    std::map<MessageKey, log::Position> take_copies() { return std::move(copies_); }
    /// Once, at the end.
    Restored finish();

  private:
    QueueReplay* find(QueueId id);
    void saw(Instant when);
    void saw_queue(QueueId id);

    void apply(const record::StoreImage& image);
    void apply(const record::QueueCreated& created);
    void apply(const record::QueueImage& image);
    void apply(const record::QueueDeleted& deleted);
    void apply(const record::MessageMoved& moved);
    void apply(const record::MoveTaskChanged& change);
    void apply(const record::QueueChanged& change);
    void apply(const record::QueuePurged& purge);
    void apply(const record::MessageSent& sent);
    void apply(const record::MessageDeleted& deleted);
    void apply(const record::LeaseChanged& change);
    void apply(const record::MessageNoted& noted);
    void apply(const record::MessageReplaced& replaced);
    void apply(const record::MessageImage& image);
    void apply(const record::DeduplicationImage& image);

    const bool leave_bytes_;
    std::unordered_map<QueueId, std::unique_ptr<QueueReplay>> queues_;
    QueueId last_found_ = 0;  // most records are of the same queue as the one before
    QueueReplay* last_found_queue_ = nullptr;
    std::unordered_map<std::string, RestoredTask> tasks_;
    std::map<std::string, Instant> deleted_;
    std::map<MessageKey, log::Position> copies_;
    QueueId last_queue_ = 0;
    Instant newest_{};
    log::Position at_ = 0;  // of the record that is being read
    DecodedRecord decoded_;
};

}  // namespace tranter::broker
