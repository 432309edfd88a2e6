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

/// A receive in line.
struct Waiter {
    engine::ReceiveOptions options{};
    std::string attempt_id{};  // what options.attempt_id points to
    Broker::Receiver receiver;
    /// It wanted no wait, and waits only until nothing is left to hand on.
    bool short_poll = false;

    engine::ReceiveOptions receive_options() const {
        engine::ReceiveOptions current = options;
        current.attempt_id = attempt_id;
        return current;
    }
};

/// What happens after the queue's mutex is released: long polls to answer, dead letters to move,
/// and messages that ended to report.
struct Aftermath {
    struct Answer {
        Broker::Receiver receiver;
        engine::Received received{};
        Position position = 0;  // of the last record of its leases
    };
    std::vector<Answer> answers{};
    struct DeadLetter {
        engine::Transfer message{};
        bool settled = false;   // its consumer gave it up; otherwise its receives are used up
        QueueId came_from = 0;  // message.source_queue until now
    };
    std::vector<DeadLetter> dead{};
    std::uint32_t dead_letters() const { return static_cast<std::uint32_t>(dead.size()); }
    std::string dead_letter_queue{};
    std::vector<Broker::Ending> endings{};
    /// While messages that no queue has any more are needed from the log.
    Transfers::Token on_their_way{};
    bool earlier_event = false;  // the broker's next event moved forward
};

/// What a message takes beside its payload's bytes: its place in the queue, the payload's header,
/// and what malloc adds.
inline constexpr std::uint64_t message_memory_bytes = 176;

struct Queue::State {
    State(QueueId queue_id, std::string queue_name, QueueSettings initial, Instant now)
        : id(queue_id),
          name(std::move(queue_name)),
          fifo(initial.engine.groups.order == engine::Order::fifo),
          created(now),
          engine(initial.engine),
          settings(std::make_shared<const QueueSettings>(std::move(initial))),
          modified(now) {}

    /// Adds to the totals what this queue grew or shrank by since the last call.
    void count_bytes() {
        add(totals->bytes, counted_bytes, engine.bytes());
        add(totals->memory, counted_memory, memory());
    }
    std::uint64_t memory() const {
        return engine.bytes_in_memory() + engine.messages() * message_memory_bytes +
               engine.bytes_beside_messages();
    }

    // constant after construction
    const QueueId id;
    const std::string name;
    const bool fifo;
    const Instant created;
    std::shared_ptr<Totals> totals{};  // with the broker and its other queues

    mutable std::mutex mutex;
    // guarded by mutex
    engine::Queue engine;
    SettingsSnapshot settings;
    Instant modified;
    std::optional<Instant> purged{};
    bool deleted = false;
    /// Not 0: exhausted messages up to this one are handed on by run_due(), as there were more of
    /// them than a request moves.
    engine::Sequence hand_on_until = 0;
    std::uint64_t hand_on_changes = 0;           // engine.changes_by_time() when that was set
    std::map<Broker::WaitId, Waiter> waiters{};  // in order of arrival: ids only grow
    std::uint64_t empty_receives = 0;
    std::uint64_t counted_bytes = 0;  // what `totals` have of this queue
    std::uint64_t counted_memory = 0;

    /// When the broker looks at this queue next; written under the event index's mutex.
    std::atomic<Instant> next_look{Instant::max()};

  private:
    static void add(std::atomic<std::uint64_t>& total, std::uint64_t& counted, std::uint64_t held) {
        if (held == counted) return;
        total.fetch_add(held - counted, std::memory_order_relaxed);  // wraps when it shrank
        counted = held;
    }
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
