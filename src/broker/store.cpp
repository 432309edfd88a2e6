#include "broker/store.hpp"

#include "broker/durable_journal.hpp"
#include "broker/keeper.hpp"
#include "broker/queue_state.hpp"
#include "broker/replay.hpp"

#include <memory>
#include <utility>

namespace tranter::broker {

class Store::Impl {
  public:
    Impl(log::Disk& disk, StoreOptions options, MakeClock make_clock)
        : replay(std::make_unique<Replay>()),
          log(disk, options.log, *replay),
          clock(make_clock(replay->newest())),
          journal(log),
          broker(with_key(options.broker), clock, journal),
          keeper(broker, journal) {
        report.log = log.opened();
        report.newest = replay->newest();
        restore(replay->finish());
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
    BrokerOptions with_key(BrokerOptions options) const {
        options.receipt_key = log.identity().secret;
        return options;
    }

    void restore(Restored restored) {
        report.queues = restored.queues.size();
        for (const RestoredQueue& queue : restored.queues)
            journal.restore(queue);
        for (const MovedSlot& moved : broker.restore(std::move(restored)))
            write_again(moved);
        for (const QueueHandle& queue : broker.list_queues({}, {}, std::string::npos)) {
            const engine::Counters counters = queue->counters(clock.now());
            report.messages += counters.visible + counters.in_flight + counters.delayed;
        }
    }

    /// Compaction finds messages by their slots, so a message in another slot needs a record that
    /// says so.
    void write_again(const MovedSlot& moved) {
        const QueueHandle queue = broker.find_queue(moved.queue);
        const QueueLock lock(queue->state());
        const auto message = queue->state().engine.stored(moved.slot, moved.sequence);
        if (!message) return;  // expired
        const std::string key = queue->state().engine.deduplication_key(
            message->group, message->payload.deduplication_id()
        );
        journal.append_image(record::MessageImage{
            .queue = moved.queue,
            .message = &*message,
            .deduplicates = queue->state().engine.deduplicated_as(key) == moved.sequence});
    }
};

Store::Store(log::Disk& disk, StoreOptions options, MakeClock clock)
    : impl_(std::make_unique<Impl>(disk, std::move(options), std::move(clock))) {}

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
