#pragma once

#include "broker/journal.hpp"
#include "broker/record_codec.hpp"
#include "broker/restored.hpp"
#include "log/log.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tranter::broker {

/// The journal of a store: every record goes to the log. Before the first record of a queue in a
/// segment it writes an image of the queue there, so that a log whose oldest segments are gone
/// still says what every queue is.
class DurableJournal final : public Journal {
  public:
    /// The log outlives the journal.
    explicit DurableJournal(log::Log& log) : log_(log) {}
    /// Takes over a queue that was found in the log. Before the first append().
    void restore(const RestoredQueue& queue);

    Position append(const Record& record) override;
    Position end() const override { return last_.load(std::memory_order_acquire); }
    void when_durable(Position position, Done done) override;
    bool is_durable(Position position) const override { return log_.is_durable(position); }
    void when_written(Position position, Done done) override;
    bool is_written(Position position) const override { return log_.is_written(position); }
    bool keeps_payloads() const override { return true; }
    engine::Payload load(Position position) const override;
    void fail(const std::string& reason) override { log_.fail(reason); }
    Accepts accepts() const override;
    std::string trouble() const override { return log_.trouble(); }

    // For compaction. append_image() is called under the mutex of the image's queue.
    Position append_image(const record::StoreImage& image);
    Position append_image(const record::MessageImage& image);
    Position append_image(const record::DeduplicationImage& image);
    /// Writes the image of the queue again when no segment after `going` has one. No effect when
    /// the queue is gone.
    void renew_queue_image(QueueId queue, log::SegmentNumber going);

  private:
    /// A queue as the records so far describe it.
    struct Described {
        std::string name{};
        QueueSettings settings{};
        Instant created{};
        Instant modified{};
        std::optional<Instant> purged{};
        engine::Sequence last_sequence = 0;
        log::SegmentNumber segment = 0;  // of its newest image
    };
    // All with mutex_ held.
    /// A record, behind an image of its queue in the same segment. 0: of no queue.
    Position put_described(QueueId queue, log::RecordType type, std::string_view body);
    void append_queue_image(QueueId queue, Described& described);
    /// After a record: what it says about its queue.
    void note(const Record& record, Position at);
    Position put(log::RecordType type, std::string_view body);
    Position append_described(QueueId queue, const AnyRecord& image);

    log::Log& log_;
    std::atomic<Position> last_{0};

    std::mutex mutex_;
    // guarded by mutex_
    std::unordered_map<QueueId, Described> queues_;
};

}  // namespace tranter::broker
