#include "broker/store.hpp"

#include "broker/durable_journal.hpp"
#include "broker/keeper.hpp"
#include "broker/queue_state.hpp"
#include "broker/replay.hpp"
#include "log/scan.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace tranter::broker {

class Store::Impl {
  public:
    Impl(log::Disk& disk, StoreOptions options, MakeClock make_clock)
        : replay(std::make_unique<Replay>(exceeds_memory(disk, options.broker))),
          log(disk, options.log, *replay),
          clock(make_clock(replay->newest())),
          journal(log),
          broker(with_key(options.broker), clock, journal),
          keeper(broker, journal) {
        report.log = log.opened();
        report.newest = replay->newest();
        restore(replay->finish());
        keeper.skip_before(replay->take_copies());
        replay.reset();
    }

    std::unique_ptr<Replay> replay;  // until restored
    log::Log log;
    const Clock& clock;
    DurableJournal journal;
    Broker broker;
    StoreKeeper keeper;
    StoreReport report;

  private:
    static bool exceeds_memory(log::Disk& disk, const BrokerOptions& options) {
        if (options.memory_limit == 0) return false;
        std::uint64_t bytes = 0;
        for (const log::SegmentNumber number : log::list_segments(disk))
            bytes += disk.open(log::segment_name(number))->size();
        return bytes > options.memory_limit / 2;
    }

    BrokerOptions with_key(BrokerOptions options) const {
        options.receipt_key = log.identity().secret;
        return options;
    }

    void restore(Restored restored) {
        report.queues = restored.queues.size();
        never_repeat_sequences(restored);
        for (const RestoredQueue& queue : restored.queues)
            journal.restore(queue);
        drop_open_batches(restored);
        for (const MovedSlot& moved : broker.restore(std::move(restored)))
            write_again(moved);
        for (const QueueHandle& queue : broker.list_queues({}, {}, std::string::npos)) {
            const engine::Counters counters = queue->counters(clock.now());
            report.messages += counters.visible + counters.in_flight + counters.delayed;
        }
    }

    void drop_open_batches(const Restored& restored) {
        for (const RestoredQueue& queue : restored.queues) {
            for (const MovedSlot& dropped : queue.dropped) {
                journal.append(record::MessageDeleted{
                    .queue = queue.id, .slot = dropped.slot, .sequence = dropped.sequence});
            }
        }
    }

    /// What was handed out but not yet on the disk when the power failed had sequence numbers that
    /// the log knows nothing of, and its receipts are still out there. Going on from the time, in
    /// microseconds, no number comes twice: nobody sends a million messages a second to a queue.
    void never_repeat_sequences(Restored& restored) const {
        const auto now = static_cast<engine::Sequence>(clock.now().time_since_epoch().count());
        for (RestoredQueue& queue : restored.queues)
            queue.last_sequence = std::max(queue.last_sequence, now);
    }

    /// Compaction finds messages by their slots, so a message in another slot needs a record that
    /// says so.
    void write_again(const MovedSlot& moved) {
        const QueueHandle queue = broker.find_queue(moved.queue);
        const QueueLock lock(queue->state());
        auto message = queue->state().engine.stored(moved.slot, moved.sequence);
        if (!message) return;  // expired
        const bool elsewhere = !message->payload.has_bytes();
        if (elsewhere) message->payload = journal.load(message->payload.place());
        if (!message->payload) throw log::CorruptLog("a message of the log cannot be read back");
        const std::string key = queue->state().engine.deduplication_key(
            message->group, message->payload.deduplication_id()
        );
        const Position position = journal.append_image(record::MessageImage{
            .queue = moved.queue,
            .message = &*message,
            .deduplicates = queue->state().engine.deduplicated_as(key) == moved.sequence});
        if (elsewhere) queue->state().engine.move_bytes(moved.slot, moved.sequence, position);
    }
};

Store::Store(log::Disk& disk, StoreOptions options, MakeClock clock)
    : impl_(std::make_unique<Impl>(disk, options, std::move(clock))) {}

Store::~Store() = default;

Broker& Store::broker() {
    return impl_->broker;
}

log::Log& Store::log() {
    return impl_->log;
}

log::Keeper& Store::keeper() {
    return impl_->keeper;
}

const StoreReport& Store::opened() const {
    return impl_->report;
}

}  // namespace tranter::broker
