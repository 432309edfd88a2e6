#pragma once

#include "broker/broker.hpp"
#include "broker/event_index.hpp"
#include "broker/queue_state.hpp"
#include "broker/restored.hpp"
#include "broker/transfers.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tranter::broker {

/// What a request is told that found a queue which was deleted meanwhile.
inline std::unexpected<Error> gone(const Queue::State& state) {
    return fail(Errc::not_found, "queue " + state.name + " does not exist any more");
}

/// Lock order: tasks_mutex, then one queue's mutex, then registry_mutex or the event index. No two
/// queues are ever locked together. Receivers and the hook run outside every lock.
class Broker::Impl {
  public:
    Impl(BrokerOptions options_in, const Clock& clock_in, Journal& journal_in)
        : options(options_in),
          clock(clock_in),
          journal(journal_in),
          receipts(options_in.receipt_key) {}

    /// Nothing when there is no such queue.
    QueueHandle find(std::string_view name) const;
    QueueHandle find(QueueId id) const;
    /// Whether the journal still takes a change; `grows`: one that frees no space.
    Result<> admit(bool grows) const;

    // service.cpp: what every operation does around its change, under the queue's mutex ...
    /// Hands what is available to the long polls in line, oldest first.
    void serve_waiters(Queue::State& state, Instant now, Aftermath& aftermath);
    /// engine::Queue::receive(), but a request takes out a bounded number of exhausted messages;
    /// the others are left to run_due().
    engine::Received receive(
        Queue::State& state, engine::ReceiveOptions wanted, Instant now, const Aftermath& aftermath
    );
    /// Takes out more of those. Who is in line is served once none is left.
    void hand_on(Queue::State& state, Instant now, Aftermath& aftermath);
    /// Who is in line, but wanted no wait, is answered with nothing.
    void end_short_polls(Queue::State& state, Aftermath& aftermath);
    /// Journals hand-outs and collects dead letters. Returns what the receiver waits for.
    Position note_received(Queue::State& state, engine::Received& received, Aftermath& aftermath);
    Position note_lease(Queue::State& state, const engine::Receipt& receipt);
    Position note_moved(
        QueueId from,
        const Queue::State& to,
        const engine::Transfer& message,
        const engine::Sent& place,
        Instant now
    );
    Position note_deleted(Queue::State& state, std::uint32_t slot, engine::Sequence sequence);
    /// Journals what ended by itself, although replay would end it as well: so it is reported once
    /// even when the process ends, and its slot is free before it is used again.
    Position note_ended(Queue::State& state, Aftermath& aftermath);
    void note_dead_letter(Queue::State& state, Aftermath& aftermath, Aftermath::DeadLetter dead);
    /// After a change: notes what ended by itself, and plans when to look at the queue again.
    void plan(const QueueHandle& queue, Instant now, Aftermath& aftermath);
    void plan_look(const QueueHandle& queue, Instant now, Aftermath& aftermath);
    engine::ReceiveOptions with_dead_letters(
        const Queue::State& state, engine::ReceiveOptions options
    ) const;
    /// Whether the queue would hand on a message that comes with these receives.
    bool is_exhausted(const Queue::State& state, const engine::Transfer& message) const;
    /// `limit_exceeded` when so many bytes more do not fit into a quota, `unavailable` when they do
    /// not fit into memory.
    Result<> check_quotas(Queue::State& state, std::uint64_t bytes, Instant now) const;
    // ... and after it
    /// Calls the receiver once the records of its leases are written.
    void hand_over(
        const QueueHandle& queue, Receiver receiver, engine::Received received, Position position
    );
    struct Unfinished {
        QueueHandle queue{};
        Aftermath aftermath{};
    };
    Position drop_dead_letter(Queue::State& state, const engine::Transfer& dead);
    Position move_dead_letters(
        const QueueHandle& queue, Aftermath& aftermath, std::vector<Unfinished>& later
    );
    /// Returns the position of the last record that it wrote for this queue; 0: none.
    Position finish(const QueueHandle& queue, Aftermath aftermath);
    /// The same, but what it leads to in other queues is left to the caller.
    Position finish(const QueueHandle& queue, Aftermath aftermath, std::vector<Unfinished>& later);
    /// Puts a message that left `from` into `to`; nothing when `to` was deleted meanwhile. Long
    /// polls are not served when it has no receives left there either.
    std::optional<Position> deliver_transfer(
        QueueId from, const QueueHandle& to, const engine::Transfer& message
    );
    /// The same for a caller with a lock, who gives what is in `later` to finish() without it.
    std::optional<Position> deliver_transfer(
        QueueId from,
        const QueueHandle& to,
        const engine::Transfer& message,
        std::vector<Unfinished>& later
    );
    /// A message that left the queue, but could not be put elsewhere, is there again; when the
    /// queue is deleted it is gone with it.
    void give_back(
        const QueueHandle& queue, const engine::Transfer& message, std::vector<Unfinished>& later
    );
    void drop_waiters(const QueueHandle& queue);
    void earlier_event() const;

    // What is due in one queue.
    void run_due(const QueueHandle& queue);
    bool is_in_line(const QueueHandle& queue, WaitId id) const;

    // job_messages.cpp
    Position note_settled(
        Queue::State& state,
        const engine::Settle& settle,
        engine::Transfer taken,
        Aftermath& aftermath
    );
    Result<Position> put_elsewhere(
        const QueueHandle& from, engine::Transfer message, const QueueHandle& to
    );

    // sends.cpp
    struct Accepted {
        engine::Sent sent{};
        /// When it took the place of another: as it is now.
        std::optional<engine::Stored> stored{};
        bool deduplicates = false;  // of `stored`
    };
    Result<Accepted> accept(Queue::State& state, const SendRequest& request, Instant now) const;
    Position accept_all(
        Queue::State& state,
        std::span<const SendRequest> requests,
        Instant now,
        std::vector<engine::Sent>& sent
    );
    Position note_sent(
        Queue::State& state,
        const SendRequest& request,
        const Accepted& accepted,
        const record::BatchPlace& batch,
        Instant now
    );
    /// Whether every one of the batch fits; nothing is changed.
    Result<> check_batch(Queue::State& state, std::span<const SendRequest> requests, Instant now)
        const;

    // memory.cpp: payloads that stay on the disk until somebody wants them
    Result<> check_memory() const;
    /// With the queue's mutex held, after the record of a message that came: when memory is short,
    /// its bytes stay where that record is.
    void leave_on_disk(Queue::State& state, const engine::Sent& message, Position record);
    /// Reads what the deliveries lack. One whose message is gone, or cannot be read, is left out.
    void bring_back(Queue::State& state, std::vector<engine::Delivery>& deliveries) const;
    [[nodiscard]] bool bring_back(Queue::State& state, engine::Delivery& delivery) const;
    /// Of a message on its way between queues, whose record cannot go meanwhile. When it cannot be
    /// read the journal fails, because the message is in no queue any more.
    [[nodiscard]] bool bring_back(engine::Payload& payload) const;
    /// With the queue's mutex held: the record with the bytes of this message cannot go while the
    /// token lives, even if the message does. No token when the bytes are here.
    Transfers::Token hold_record(const engine::Payload& payload);
    /// With such a token. The payload stays without bytes when they cannot be read.
    void try_bring_back(engine::Payload& payload) const;

    // move_tasks.cpp
    struct Task {
        MoveTask view{};
        QueueHandle source{};
        Instant next_slice{};
        Position position = 0;  // of the newest record
        Position slice = 0;     // of the last record of the latest slice
        /// Of this process: after a restart it begins anew.
        engine::MoveProgress progress{};
        bool found_strangers = false;  // messages whose source is not known, or gone
    };
    void log_task(Task& task);
    void restore_tasks(const std::vector<RestoredTask>& stored);
    void run_move_tasks(Instant now);
    void run_move_task(Task& task, Instant now, std::vector<Unfinished>& later);
    void run_slice(Task& task, Instant now, std::vector<Unfinished>& later);
    /// Of one message that has left the task's source, to `fixed` or where it came from.
    void redrive(
        Task& task,
        const QueueHandle& fixed,
        engine::Transfer message,
        std::vector<Unfinished>& later
    );
    void settle(Task& task, MoveTask::Status status, std::string failure);
    std::optional<Instant> next_slice() const;

    // constant after construction
    const BrokerOptions options;
    const Clock& clock;
    Journal& journal;
    const ReceiptCodec receipts;
    const std::shared_ptr<Totals> totals = std::make_shared<Totals>();
    std::function<void()> on_earlier_event;  // set before the first request
    std::function<void(const QueueHandle&, std::vector<Ending>)> on_ended;  // likewise
    Transfers transfers;

    mutable std::shared_mutex registry_mutex;
    // guarded by registry_mutex
    std::map<std::string, QueueHandle, std::less<>> by_name;
    std::unordered_map<QueueId, QueueHandle> by_id;
    std::map<std::string, Instant, std::less<>> deleted_at;
    QueueId last_id = 0;

    EventIndex events;
    std::atomic<WaitId> last_wait{0};
    std::atomic<std::size_t> waiting{0};
    std::atomic<bool> stopping{false};

    mutable std::mutex tasks_mutex;
    // guarded by tasks_mutex
    std::deque<Task> tasks;  // newest first
};

}  // namespace tranter::broker
