#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "engine/payload.hpp"
#include "engine/types.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace tranter::engine {

/// One queue: who may see which message when.
///
/// A pure state machine: no threads, locks, I/O, randomness or clock of its own. Every operation
/// takes the time, first lets everything happen that was due by then (delays and leases that end,
/// messages that expire), and is deterministic. `now` never goes backwards. Not thread-safe: the
/// broker holds the queue's mutex around each call.
///
///     send --> delayed --> visible <--> in flight --> deleted
///                             |                        ^
///                             +--> expired / dead -----+
///
/// Standard queues hand out in the order in which messages became visible. In FIFO queues a group
/// is available while its oldest undeleted message is visible, so an unfinished message blocks
/// everything behind it (SQS_SPEC 11.2, 11.3).
class Queue {
  public:
    explicit Queue(QueuePolicy policy);
    ~Queue();
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    /// `limit_exceeded` when the group holds max_queued_per_group messages already.
    [[nodiscard]] Result<Sent> send(Payload payload, const SendOptions& options, Instant now);

    /// What would be handed out now, up to max_messages; empty when nothing is available.
    /// A message that used up max_receives is not delivered but returned in `dead`.
    [[nodiscard]] Received receive(const ReceiveOptions& options, Instant now);

    /// Removes a delivered message. Standard queues accept every receipt that was ever issued for
    /// the message; FIFO queues refuse one whose lease has ended (`conflict`). A message that is
    /// gone already is a success (`false`: nothing was there to delete).
    [[nodiscard]] Result<bool> acknowledge(const Receipt& receipt, Instant now);

    /// Lease ends at now + timeout; 0 makes the message visible at once. `not_found` when it is
    /// gone, `conflict` when the delivery is over (FIFO), `invalid_argument` when the total since
    /// the hand-out would pass 12 hours. On a standard queue a lapsed, not yet repeated delivery
    /// may hide the message again.
    [[nodiscard]] Result<void> change_visibility(
        const Receipt& receipt,
        Duration timeout,
        Instant now
    );

    /// Takes back a delivery that never reached its consumer: the message is visible at once in
    /// its old place and the delivery does not count. No effect when the receipt is not current.
    void take_back(const Receipt& receipt, Instant now);

    /// Receives a message from another queue. It is visible at once; FIFO appends it to its group.
    /// Never refused and never de-duplicated. Returns its place here.
    Sent move_in(Transfer transfer, Instant now);
    /// Takes up to `max` visible messages out, oldest first, for a move to another queue. With a
    /// filter, only those it accepts (it sees each candidate once).
    std::vector<Transfer> move_out(
        std::size_t max,
        const std::function<bool(const MessageView&)>& accept,
        Instant now
    );

    /// Drops every message and the de-duplication memory. Receipts become no-ops.
    void purge(Instant now);

    /// Applies new rules at once: retention to every message, delay to waiting FIFO messages,
    /// limits to the next hand-out. `order` and `deduplication_scope` keep their old values.
    void set_policy(const QueuePolicy& policy, Instant now);
    const QueuePolicy& policy() const;

    /// Lets everything happen that is due. Every operation does this first; call it to keep
    /// counters fresh and memory small while nobody calls.
    void advance(Instant now);

    /// When advance() has something to do next; nothing when it never will.
    std::optional<Instant> next_event() const;

    Counters counters() const;
    /// Send time of the oldest message (for dead letters the time of the move); messages received
    /// three times or more count as moved to the back (SQS_SPEC 12). Nothing when empty.
    std::optional<Instant> oldest() const;

    /// Up to `max` messages in order of arrival, skipping `offset`.
    std::vector<MessageView> peek(std::size_t offset, std::size_t max) const;

    /// Checks every internal link and counter; throws std::logic_error naming the first that is
    /// wrong. O(messages); for tests and the simulation.
    void check() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tranter::engine
