#pragma once

#include "broker/broker.hpp"
#include "broker/queue.hpp"
#include "broker/transfers.hpp"
#include "engine/queue.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tranter::broker {

/// A long poll in line.
struct Waiter {
    engine::ReceiveOptions options{};
    std::string attempt_id{};  // what options.attempt_id points to
    Broker::Receiver receiver;

    engine::ReceiveOptions receive_options() const {
        engine::ReceiveOptions current = options;
        current.attempt_id = attempt_id;
        return current;
    }
};

/// What happens after the queue's mutex is released: long polls to answer and dead letters to move.
struct Aftermath {
    struct Answer {
        Broker::Receiver receiver;
        engine::Received received{};
        Position position = 0;  // of the last record of its leases
    };
    std::vector<Answer> answers{};
    std::vector<engine::Transfer> dead{};
    Transfers::Token dead_on_their_way{};
    std::string dead_letter_queue{};
    bool earlier_event = false;  // the broker's next event moved forward
};

struct Queue::State {
    State(QueueId queue_id, std::string queue_name, QueueSettings initial, Instant now)
        : id(queue_id),
          name(std::move(queue_name)),
          fifo(initial.engine.groups.order == engine::Order::fifo),
          created(now),
          engine(initial.engine),
          settings(std::make_shared<const QueueSettings>(std::move(initial))),
          modified(now) {}

    /// Adds to the total what this queue grew or shrank by since the last call.
    void count_bytes() {
        const std::uint64_t held = engine.bytes();
        if (held == counted_bytes) return;
        total->fetch_add(held - counted_bytes, std::memory_order_relaxed);  // wraps when it shrank
        counted_bytes = held;
    }

    // constant after construction
    const QueueId id;
    const std::string name;
    const bool fifo;
    const Instant created;
    std::shared_ptr<ByteTotal> total{};  // with the broker and its other queues

    mutable std::mutex mutex;
    // guarded by mutex
    engine::Queue engine;
    SettingsSnapshot settings;
    Instant modified;
    std::optional<Instant> purged{};
    bool deleted = false;
    std::map<Broker::WaitId, Waiter> waiters{};  // in order of arrival: ids only grow
    std::uint64_t empty_receives = 0;
    std::uint64_t counted_bytes = 0;  // what `total` has of this queue

    /// When the broker looks at this queue next; written under the event index's mutex.
    std::atomic<Instant> next_look{Instant::max()};
};

/// The mutex of a queue, for everything that may change how much the queue holds.
class QueueLock {
  public:
    explicit QueueLock(Queue::State& state) : state_(state), lock_(state.mutex) {}
    ~QueueLock() { state_.count_bytes(); }
    QueueLock(const QueueLock&) = delete;
    QueueLock& operator=(const QueueLock&) = delete;

  private:
    Queue::State& state_;
    const std::lock_guard<std::mutex> lock_;
};

}  // namespace tranter::broker
