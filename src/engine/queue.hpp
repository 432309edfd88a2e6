#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "engine/attempts.hpp"
#include "engine/deadlines.hpp"
#include "engine/deduplication.hpp"
#include "engine/extras.hpp"
#include "engine/fifo_lines.hpp"
#include "engine/groups.hpp"
#include "engine/id_index.hpp"
#include "engine/message.hpp"
#include "engine/moved_times.hpp"
#include "engine/payload.hpp"
#include "engine/slab.hpp"
#include "engine/standard_lines.hpp"
#include "engine/timing_wheel.hpp"
#include "engine/types.hpp"
#include "engine/unique_keys.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
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
/// Standard queues hand out in the order in which messages became visible, where a level of
/// priority counts like some waiting (QueuePolicy::priority_aging). In FIFO queues, which ignore
/// priorities, a group is available while its oldest undeleted message is visible, so an unfinished
/// message blocks everything behind it (SQS_SPEC 11.2, 11.3).
class Queue {
  public:
    explicit Queue(QueuePolicy policy);
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    /// `limit_exceeded` when the group holds max_queued_per_group messages already. A duplicate is
    /// known before limits are looked at, and one that takes another's place never hits them.
    ///
    /// Unique keys: the mode of this send decides, whatever the messages with its key were sent
    /// with. Those that came from other queues and in other modes count as well. The newest that is
    /// not in flight is replaced: the new one has its id, but a new sequence number and time of
    /// sending, and begins anew (receives, note, a request to cancel). It keeps its place in line,
    /// when it has the same group and priority, and its delay, unless debounce delays it again. In
    /// FIFO queues it goes to the end of its group.
    ///
    /// A message of keep_latest is not handed out while another one with its key is in flight, but
    /// counts and looks like any that is visible. Once no other is, it goes to the end of the line;
    /// in a FIFO queue it keeps its place and blocks its group until then. Dead letters do not wait
    /// for each other.
    [[nodiscard]] Result<Sent> send(Payload payload, const SendOptions& options, Instant now);

    /// What would be handed out now, up to max_messages; empty when nothing is available.
    /// A message that used up max_receives is not delivered but returned in `dead`; after dead_max
    /// of them nothing more is handed out by this call.
    [[nodiscard]] Received receive(const ReceiveOptions& options, Instant now);

    /// Removes a delivered message. Standard queues accept every receipt that was ever issued for
    /// the message; FIFO queues refuse one whose lease has ended (`conflict`). A message that is
    /// gone already is a success (`false`: nothing was there to delete).
    [[nodiscard]] Result<bool> acknowledge(const Receipt& receipt, Instant now);

    /// Lease ends at now + timeout; 0 makes the message visible at once. `not_found` when it is
    /// gone, `conflict` when the delivery is over (FIFO), `invalid_argument` when the total since
    /// the hand-out would pass 12 hours. On a standard queue a lapsed, not yet repeated delivery
    /// may hide the message again, but not one that was put back with a delay (`conflict`).
    [[nodiscard]] Result<void> change_visibility(
        const Receipt& receipt, Duration timeout, Instant now
    );

    /// Takes back a delivery that never reached its consumer: the message is visible at once
    /// before all others and the delivery does not count. No effect when the receipt is not
    /// current, or when another answer to the same attempt id has the delivery.
    void take_back(const Receipt& receipt, Instant now);

    // Jobs: messages that are found by their id, and settled only by who holds them ------------
    /// Removes or puts back what this receipt still holds, and returns the message as it was.
    /// Strict in every kind of queue: `conflict` when the lease has ended or the delivery was
    /// settled, `not_found` when the message is gone. put_back with a request to cancel pending or
    /// after the deadline removes it, which take_ended() tells. take_out fills `taken`, when that
    /// is given.
    [[nodiscard]] Result<MessageView> settle(
        const Settle& settle, Instant now, Transfer* taken = nullptr
    );
    /// The lease ends at now + lease, however long it lasts already. Strict like settle(). Whether
    /// cancel() was asked for.
    [[nodiscard]] Result<bool> extend(const Receipt& receipt, Duration lease, Instant now);
    /// Keeps text with the message for later deliveries. Strict like settle().
    [[nodiscard]] Result<void> set_note(const Receipt& receipt, std::string note, Instant now);
    /// The first call makes an index of all messages, which is kept up from then on.
    std::optional<MessageView> find(const MessageId& id, Instant now);
    /// `not_found`.
    [[nodiscard]] Result<CancelResult> cancel(const MessageId& id, Instant now);
    /// Delayed: visible at once. `not_found`, `conflict` when it is not delayed.
    [[nodiscard]] Result<void> promote(const MessageId& id, Instant now);
    /// Takes a message out that is not in flight, for another queue. `not_found`, `conflict`.
    [[nodiscard]] Result<Transfer> take_out(const MessageId& id, Instant now);
    /// Up to `max` messages in order of arrival, after the one at `slot` with that sequence (0:
    /// from the first). O(max) while that one is still there; where messages sent here and messages
    /// from other queues mix, plus the way to the next of the other kind from the nearer end.
    std::vector<MessageView> list(std::uint32_t slot, Sequence after, std::size_t max) const;
    /// What ended by itself since the last call.
    std::vector<Ended> take_ended();

    /// Receives a message from another queue. It is visible at once; FIFO appends it to its group.
    /// Never refused and never de-duplicated. Returns its place here.
    Sent move_in(Transfer transfer, Instant now);
    /// Takes back what has just left this queue and could not be delivered to another one. It has
    /// its old number, so that a FIFO group stays in order, but counts as one from another queue.
    Sent give_back(Transfer transfer, Instant now);
    /// Takes visible messages out, oldest first, for a move to another queue, from where `progress`
    /// stands: a new one at the oldest. What was passed is not looked at again. O(looks_max),
    /// unless the last one that was passed has gone; then also the way there from the nearer end.
    std::vector<Transfer> move_out(const MoveOut& move, MoveProgress& progress, Instant now);

    /// Drops every message and the de-duplication memory. Receipts become no-ops. What it returns
    /// frees the memory when it is destroyed, so that a caller can do that outside its lock.
    std::shared_ptr<void> purge(Instant now);

    /// Applies new rules at once: retention to every message, delay to waiting FIFO messages,
    /// limits to the next hand-out. `order` and `deduplication_scope` keep their old values.
    void set_policy(const QueuePolicy& policy, Instant now);
    const QueuePolicy& policy() const { return policy_; }

    /// What restore() needs to make this message again; nothing when it is gone.
    std::optional<Stored> stored(std::uint32_t slot, Sequence sequence) const;
    /// The part of it that hand-outs change.
    std::optional<DeliveryState> delivery_state(std::uint32_t slot, Sequence sequence) const;
    /// FIFO: what de-duplication knows a message by.
    std::string deduplication_key(std::string_view group, std::string_view id) const;
    /// The message that was accepted under this key inside the window; 0: none.
    Sequence deduplicated_as(std::string_view key) const;
    /// The message that a throttle with this unique key still goes back to; 0: none.
    Sequence throttled_as(std::string_view unique_key) const;
    /// Whether messages with the key are here, and whether one of them is not in flight.
    bool holds_unique(std::string_view key) const { return unique_.newest(key) != no_slot; }
    bool waits_unique(std::string_view key) const { return newest_waiting(key) != no_slot; }
    /// Messages of the group that count against max_queued_per_group.
    std::uint32_t queued_in_group(std::string_view key) const {
        const Slot group = groups_.find(key);
        return group == no_slot ? 0 : groups_[group].queued();
    }
    std::vector<StoredDeduplication> stored_deduplication() const;
    /// Makes a new queue what another one was: every message goes back to its slot, so receipts
    /// stay valid. What ended meanwhile (leases, delays, retention, de-duplication) has ended, in
    /// order of time. Of two messages with one slot the older gets another one, which is returned.
    /// Not restored: the history that fairness looks at, receive-request attempt ids and counters
    /// of the past.
    std::vector<std::pair<std::uint32_t, Sequence>> restore(
        std::vector<Stored> messages,
        std::vector<StoredDeduplication> deduplication,
        Sequence last_sequence,
        Instant now
    );
    Sequence last_sequence() const { return last_sequence_; }
    /// Grows whenever time changed what may be handed out: a delay or a lease ended, or a message
    /// expired.
    std::uint64_t changes_by_time() const { return timers_fired_ + counters_.expired; }
    /// Throttles included.
    std::size_t deduplication_ids() const { return deduplication_.size() + unique_.throttles(); }
    /// Of the keys they are known by.
    std::uint64_t deduplication_bytes() const {
        return deduplication_.key_bytes() + unique_.throttle_key_bytes();
    }
    /// Of payloads and notes held.
    std::uint64_t bytes() const { return counters_.bytes; }
    std::size_t messages() const { return slab_.size(); }
    /// About what is kept in memory beside the messages: groups, ids of de-duplication with
    /// throttles, and receive requests.
    std::uint64_t bytes_beside_messages() const {
        return deduplication_bytes() + deduplication_ids() * deduplication_memory_bytes +
               groups_.bytes() + attempts_.bytes();
    }
    std::uint64_t bytes_in_memory() const { return counters_.bytes_in_memory; }
    /// The message stays, but the bytes of its payload are at `place` and no longer in memory.
    /// `false`: the message is gone.
    bool move_bytes(std::uint32_t slot, Sequence sequence, std::uint64_t place);
    /// The payload of a message that is still here.
    std::optional<Payload> find_payload(std::uint32_t slot, Sequence sequence) const;

    /// Lets everything happen that is due. Every operation does this first; call it to keep
    /// counters fresh and memory small while nobody calls.
    void advance(Instant now);

    /// When advance() has something to do next; nothing when it never will.
    std::optional<Instant> next_event() const;

    Counters counters() const;
    /// Send time of the oldest message (for dead letters the time of the move); messages received
    /// three times or more count as moved to the back (SQS_SPEC 12). Nothing when empty.
    std::optional<Instant> oldest() const;
    /// When that message was handed out which has been in flight the longest; a renewed lease
    /// changes nothing. Nothing when none is.
    std::optional<Instant> longest_in_flight();

    /// Up to `max` messages in order of arrival, skipping `offset`.
    std::vector<MessageView> peek(std::size_t offset, std::size_t max) const;

    /// Checks every internal link and counter; throws std::logic_error naming the first that is
    /// wrong. O(messages); for tests and the simulation.
    void check() const;

  private:
    /// What an id takes beside its key, with what malloc adds.
    static constexpr std::uint64_t deduplication_memory_bytes = 160;

    bool fifo() const { return policy_.groups.order == Order::fifo; }
    bool ages() const { return policy_.retention > Duration::zero(); }
    static bool has_unique_key(const Traits& traits) {
        return traits.uniqueness != Uniqueness::none && !traits.unique_key.empty();
    }
    static bool has_unique_key(const SendOptions& options) {
        return options.traits != nullptr && has_unique_key(*options.traits);
    }

    // queue.cpp: messages come and go
    void count_bytes(const Payload& payload);
    void discount_bytes(const Payload& payload);
    Slot join_group(std::string_view group);
    void begin_waiting(Slot slot, Instant delayed_until, Instant now);
    Slot add(Payload payload, std::string_view group, Instant sent_at, bool moved_in);
    void make_visible(Slot slot, Instant since);
    void enter_line(Slot slot, Instant now);
    void remember(std::string&& key, const Sent& sent, Instant now);
    void start_timer(Slot slot, State state, Instant due);
    void join_flight(Slot slot);
    void leave_flight(Slot slot);
    void note_flight(Slot slot);
    void forget_flights();
    void drop_flights_over();
    void leave_line(Slot slot, Message& message);
    void remove(Slot slot);
    void leave_arrivals(Slot slot, const Message& message);
    void note_arrival(Slot slot, Instant at);
    void fill_moved(Slot slot, Transfer& transfer, Instant now);
    void leave_group(Slot group);
    Transfer extract(Slot slot);
    Transfer extract_dead(Slot slot);
    std::string_view group_key(const Message& message) const;

    // queue_extras.cpp: what only some messages have
    void add_extras(Slot slot, const Traits& traits, std::string note, Instant unique_since);
    void drop_extras(Slot slot);
    void start_throttle(const Traits& traits, const Sent& sent, Instant now);
    Traits traits_of(Slot slot) const;
    Instant deadline_of(Slot slot) const;
    std::optional<Sent> apply_uniqueness(Payload& payload, const SendOptions& options, Instant now);
    Sent replace(Slot slot, Payload payload, const SendOptions& options, Instant now);
    std::optional<Instant> delay_of_replacement(Slot slot, const SendOptions& options, Instant now)
        const;
    void begin_anew(Message& message, Instant now);
    Slot find_slot(const MessageId& id);
    Slot newest_waiting(std::string_view key) const;
    bool flies(std::string_view unique_key) const;
    UniqueKeys::Key& key_of(Slot slot);
    void joined_flight(Slot slot);
    void left_flight(Slot slot);
    bool hold_back(Slot slot, Instant since);
    void hold_back_others(Slot slot);
    void end_hold(Slot slot);
    /// Who was held back for a message that has left its flight goes to the end of the line, behind
    /// that one if it came back.
    void let_go(Instant since) {
        if (!let_go_.empty()) enter_lines(since);
    }
    void enter_lines(Instant since);

    // queue_jobs.cpp
    Result<Slot> held_by(const Receipt& receipt) const;
    void put_back(const Settle& settle, Instant now);
    std::optional<Ended::Why> ends_on_return(Slot slot, Instant now) const;
    void end(Slot slot, Ended::Why why);

    // queue_delivery.cpp
    void receive_standard(const ReceiveOptions& options, Instant now, Received& received);
    void receive_fifo(const ReceiveOptions& options, Instant now, Received& received);
    void receive_from_group(
        Slot group, const ReceiveOptions& options, Instant now, Received& received
    );
    bool repeat_attempt(const ReceiveOptions& options, Instant now, Received& received);
    bool full() const;
    bool exhausted(Slot slot, const Message& message, const ReceiveOptions& options) const;
    bool take_dead(Slot slot, const ReceiveOptions& options, Received& received);
    void hand_out(Slot slot, Duration timeout, Instant now, Received& received);
    void add_delivery(Slot slot, Instant visible_at, Received& received) const;
    void hide_again(Slot slot, Instant until, Instant now);

    // queue_time.cpp
    void expire(Instant now);
    void expire_deadlines(Instant now);
    void fire_timers(Instant now);
    void delay_waiting_fifo_messages(Instant now);
    Instant ages_from(Slot slot) const;
    void watch_moved(Slot slot);
    std::vector<Slot> visible_in_order() const;

    // queue_restore.cpp
    Slot restore_message(Stored& stored);
    void restore_deduplication(std::vector<StoredDeduplication> deduplication);
    bool restore_timer(Slot slot, const DeliveryState& state, Instant now);
    void restore_places(const std::vector<std::pair<Slot, DeliveryState>>& in_line_or_flight);
    DeliveryState delivery_state_of(const Message& message) const;

    // queue_view.cpp
    template <class Visit>
    void for_each_in_order(Visit visit) const;
    template <class Visit>
    void merge(Slot sent, Slot moved, Visit visit) const;
    Slot first_after(const ArrivalList& list, Sequence sequence) const;
    Slot next_to_look_at(const ArrivalList& list, const MoveProgress& progress) const;
    bool may_move(Slot slot, const MoveOut& move, MoveProgress& progress) const;
    void check_extras() const;
    void check_holds() const;
    void check_flights() const;
    void check_moved() const;
    MessageView view_of(Slot slot) const;

    /// A hand-out, which is over unless its message is still in flight since then.
    struct Flight {
        Instant since{};
        Slot slot = 0;
        Sequence sequence = 0;
        bool operator>(const Flight& other) const { return since > other.since; }
    };
    bool is_over(const Flight& flight) const;

    QueuePolicy policy_;
    Slab slab_;
    ExtrasTable extras_;
    UniqueKeys unique_{extras_};
    Deadlines deadlines_;
    IdIndex index_;
    std::vector<Ended> ended_;
    GroupTable groups_;
    StandardLines standard_{slab_, groups_};
    FifoLines fifo_{slab_, groups_};
    TimingWheel wheel_;
    Deduplication deduplication_;
    ReceiveAttempts attempts_;
    Counters counters_;
    Sequence last_sequence_ = 0;
    // Messages sent here are in order of sequence and of age; those moved in are in order of
    // sequence only.
    ArrivalList sent_;
    ArrivalList moved_;
    MovedTimes moved_times_{};
    // A heap, the earliest first, in which every message in flight is, and not many more others.
    std::vector<Flight> flights_{};
    Instant now_{};  // of the operation under way
    std::uint64_t timers_fired_ = 0;
    std::vector<Slot> fired_;     // scratch of advance()
    std::vector<Slot> let_go_{};  // held back until the step under way
};

}  // namespace tranter::engine
