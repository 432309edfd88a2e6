#pragma once

#include "base/time.hpp"
#include "engine/payload.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::engine {

/// Numbers messages of one queue in the order of acceptance, from 1, never used twice. It is the
/// FIFO sequence number and the generation of a slot handle.
using Sequence = std::uint64_t;

enum class Order : std::uint8_t { none, fifo };
/// How groups share a queue without FIFO order.
/// off: one line for all.
/// round_robin: groups with something available take turns, so a group with a million messages
/// delays another group's next message by one hand-out at most. Messages without a group take one
/// turn together.
/// aws: the noisy-neighbour rule of SQS fair queues (SQS_SPEC 10). A group turns noisy when it is
/// first in line and either has 30 or more deliveries in flight that are over 10 % of the queue's,
/// or used over 10 % of the recent processing time (half-life one minute) and at least 30 s of it.
/// It is quiet again when nothing of it is available or it sent nothing for five minutes. Quiet
/// groups and messages without a group go first, by the time they became visible; then noisy
/// groups, the fewest in flight first.
enum class Fairness : std::uint8_t { off, round_robin, aws };
enum class DeduplicationScope : std::uint8_t { queue, message_group };

/// What divides the queue's work (DESIGN section 4). Limits of 0 mean none.
struct GroupPolicy {
    Order order = Order::none;
    Fairness fairness = Fairness::aws;
    std::uint32_t max_in_flight_per_group = 0;
    std::uint32_t max_queued_per_group = 0;

    bool operator==(const GroupPolicy&) const = default;
};

/// How a key keeps the same job from standing in a queue twice.
/// simple: while a message with the key is held, another send is a duplicate of it.
/// throttle: for `unique_for` from the first send on, whatever became of that message.
/// debounce: a message with the key that is not in flight takes the new payload, delay and traits,
/// but is visible `unique_for` after its first send at the latest (0: no such limit). One that is
/// in flight does not count. keep_latest: like debounce without a new delay: the one that waits
/// takes the new payload; it waits as long as one with the key is in flight.
enum class Uniqueness : std::uint8_t { none, simple, throttle, debounce, keep_latest };

inline constexpr std::uint8_t priority_default = 5;
inline constexpr std::uint8_t priority_last = 9;

/// What a job may have beyond a message of SQS. Most messages have none of it, so it is kept beside
/// them, except the priority.
struct Traits {
    std::uint8_t priority = priority_default;  // 0 (first) to 9; standard queues only
    /// Deliveries before it is exhausted, instead of the queue's; 0: the queue's. Counts for
    /// nothing in a dead letter, which may be looked at.
    std::uint32_t max_receives = 0;
    /// When it ends as `expired` unless it is in flight; {}: never.
    Instant deadline{};
    Uniqueness uniqueness = Uniqueness::none;
    std::string unique_key{};
    Duration unique_for{};

    bool operator==(const Traits&) const = default;
};

/// Rules of one queue. All of them may change while the queue lives, except the order and the
/// de-duplication scope, which are fixed at creation (SQS_SPEC 11.5).
struct QueuePolicy {
    Duration visibility_timeout = std::chrono::seconds(30);
    Duration delay{};
    Duration retention = std::chrono::hours(96);  // 0: for ever
    Duration deduplication_window = std::chrono::minutes(5);
    DeduplicationScope deduplication_scope = DeduplicationScope::queue;
    /// Deliveries before a message goes to the dead-letter queue; 0: never.
    std::uint32_t max_receives = 0;
    /// Deliveries outstanding in all; 0: no limit.
    std::uint32_t max_in_flight = 120'000;
    GroupPolicy groups{};
    /// Waiting that is worth one level of priority, up to 1000 years (then hardly anything else
    /// counts); 0: priorities count for nothing.
    Duration priority_aging = std::chrono::minutes(1);
    /// Nothing is handed out. Everything else goes on.
    bool paused = false;

    bool operator==(const QueuePolicy&) const = default;
};

/// Names one delivery of one message of a queue. `sequence` guards the slot against reuse,
/// `delivery` counts the message's deliveries from 1.
struct Receipt {
    std::uint32_t slot = 0;
    std::uint32_t delivery = 0;
    Sequence sequence = 0;

    bool operator==(const Receipt&) const = default;
};

struct SendOptions {
    /// Front ends pass the queue's own delay as nothing.
    std::optional<Duration> delay{};
    std::string_view group{};        // empty: none; then no group limit applies
    const Traits* traits = nullptr;  // null: none
};

struct Sent {
    MessageId id{};
    Sequence sequence = 0;
    std::uint32_t slot = 0;
    /// The id was seen inside the window, or the unique key is taken: id and sequence are the
    /// first send's, nothing was stored.
    bool duplicate = false;
    /// debounce, keep_latest: the message took the place of one that waited, and its id. The
    /// payload that is stored now is find_payload(slot, sequence).
    struct Replaced {
        std::uint32_t slot = 0;
        Sequence sequence = 0;
    };
    std::optional<Replaced> replaced{};
};

struct ReceiveOptions {
    std::uint32_t max_messages = 1;
    std::optional<Duration> visibility_timeout{};  // nothing: the queue's
    std::string_view attempt_id{};                 // FIFO: receive-request attempt id
    /// There is no dead-letter queue now: deliver what used up max_receives like the rest.
    bool keep_exhausted = false;
    /// Most exhausted messages that one call takes out.
    std::uint32_t dead_max = 100;
    /// Not 0: nothing is delivered, and only exhausted messages are taken out that would be now, up
    /// to this one.
    Sequence only_dead_until = 0;
};

/// One message handed to one consumer.
struct Delivery {
    Payload payload;
    Receipt receipt{};
    std::string group{};
    Instant sent_at{};
    /// sent_at plus whole milliseconds; after 24 days plus whole seconds, 68 years at most.
    Instant first_received_at{};
    Instant visible_at{};
    std::uint32_t receive_count = 0;
    std::uint32_t source_queue = 0;  // of a dead letter: the queue it came from; 0: none
    std::string note{};
    /// Since when it could have been handed out; {}: not known (FIFO, or it was taken back).
    Instant waiting_since{};
};

/// A message on its way between queues. Everything a dead letter keeps (SQS_SPEC 8.1).
struct Transfer {
    Payload payload;
    std::string group{};
    Instant sent_at{};
    Instant first_received_at{};
    std::uint32_t receive_count = 0;
    std::uint32_t source_queue = 0;
    Sequence source_sequence = 0;  // in the queue it leaves
    std::uint32_t source_slot = 0;
    Traits traits{};  // a dead letter has no deadline any more
    std::string note{};
    // For who gives it back: as in DeliveryState.
    std::uint32_t deliveries = 0;
    Instant received_at{};
    bool taken_back = false;
};

/// Where the latest delivery of a message stands.
struct DeliveryState {
    std::uint32_t deliveries = 0;     // hand-outs so far, never goes back
    std::uint32_t receive_count = 0;  // of those, not taken back
    Instant received_at{};            // latest hand-out
    Instant first_received_at{};      // {}: never
    enum class State : std::uint8_t { visible, in_flight, delayed } state = State::visible;
    bool taken_back = false;  // the latest hand-out
    bool cancel_requested = false;
    /// In flight: end of the lease. Delayed: when it becomes visible. Visible in a standard queue:
    /// its place in line, as the time since when it waits; before 1970 when it was taken back and
    /// so goes before all others.
    Instant due{};

    bool operator==(const DeliveryState&) const = default;
};

/// Everything that a queue must know of a message again after a restart.
struct Stored {
    Payload payload;
    std::string group{};
    std::uint32_t slot = 0;
    Sequence sequence = 0;
    Instant sent_at{};
    DeliveryState delivery{};
    std::uint32_t source_queue = 0;
    bool moved_in = false;  // came from another queue, at `moved_at`
    Instant moved_at{};
    Traits traits{};
    std::string note{};
    /// With a unique key: the first send of what this message replaced, or its own.
    Instant unique_since{};
};

/// An accepted de-duplication id, whether or not its message still exists.
struct StoredDeduplication {
    std::string key{};  // Deduplication::key, or the unique key of a throttle
    MessageId id{};
    Sequence sequence = 0;
    std::uint32_t slot = 0;
    Instant at{};
    /// Above zero: a throttle, which ends at `at` plus this. Otherwise an id of a FIFO queue, which
    /// ends with the queue's window. The two share no names.
    Duration unique_for{};

    bool operator==(const StoredDeduplication&) const = default;
};

struct Received {
    std::vector<Delivery> deliveries{};
    /// Exhausted messages that this call took out; the caller puts them into the dead-letter queue.
    std::vector<Transfer> dead{};
    /// It took out as many of them as it may, and the next one is exhausted, too.
    bool dead_left = false;
    /// With only_dead_until: something stands there that could be delivered. Standard queues say so
    /// of what comes next.
    bool alive_left = false;
    /// Nothing was handed out because max_in_flight is reached.
    bool over_limit = false;
    /// Set by the broker: nothing was handed out because it could not be recorded.
    bool unavailable = false;
};

/// A look at a message without receiving it.
struct MessageView {
    Payload payload;
    std::string group{};
    std::uint32_t slot = 0;
    Sequence sequence = 0;
    Instant sent_at{};
    std::uint32_t receive_count = 0;
    enum class State : std::uint8_t { visible, in_flight, delayed } state = State::visible;
    Instant due{};  // in flight: end of the lease; delayed: when it becomes visible
    std::uint32_t source_queue = 0;
    Instant received_at{};  // latest hand-out; {}: none
    std::uint8_t priority = priority_default;
    std::uint32_t max_receives = 0;  // its own; 0: the queue's
    Instant deadline{};              // {}: none
    bool cancel_requested = false;
    std::string note{};
};

/// What one call of Queue::move_out() may take.
struct MoveOut {
    std::size_t max = 1;
    std::size_t looks_max = std::numeric_limits<std::size_t>::max();  // with those that stay
    std::function<bool(const MessageView&)> accept{};  // sees each candidate once; empty: all
};

/// How far Queue::move_out() has come through the messages that were there when it began.
struct MoveProgress {
    struct Place {
        std::uint32_t slot = 0;
        Sequence sequence = 0;
    };
    bool done = false;
    Sequence until = 0;      // the newest when it began
    Sequence looked_at = 0;  // the newest so far
    Place sent{};            // the latest that stays, of those that were sent here
    Place moved{};           // and of those from other queues
    std::set<std::string, std::less<>> blocked{};  // FIFO groups of which an earlier one stays
};

/// A message that ended without anybody asking for it at that moment.
struct Ended {
    enum class Why : std::uint8_t {
        expired,    // its deadline passed
        cancelled,  // cancel() was asked for while it was in flight, and the lease has ended
    };
    MessageView message{};  // as it was
    Why why = Why::expired;
};

enum class CancelResult : std::uint8_t {
    removed,
    requested,  // in flight: the consumer learns it from extend()
};

/// How a consumer settles a delivery that it still holds.
struct Settle {
    enum class Kind : std::uint8_t {
        complete,  // remove it
        /// Delayed by `delay`; 0: available at once, in its old place (when the queue was restored
        /// meanwhile, about where its time of sending puts it).
        put_back,
        take_out,  // remove it, for another queue
    } kind = Kind::complete;
    Receipt receipt{};
    Duration delay{};
    bool counts = true;  // put_back: whether the delivery counts as a receive
};

/// All O(1).
struct Counters {
    std::uint64_t visible = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t delayed = 0;
    std::uint64_t bytes = 0;            // of payloads and notes held
    std::uint64_t bytes_in_memory = 0;  // of those, not kept elsewhere
    std::uint64_t groups_in_flight = 0;
    std::uint64_t noisy_groups = 0;
    // Since the queue was made:
    std::uint64_t sent = 0;
    std::uint64_t deduplicated = 0;  // sends that stored nothing, or took the place of another
    std::uint64_t received = 0;      // hand-outs, with those that were taken back
    std::uint64_t taken_back = 0;
    std::uint64_t empty_receives = 0;
    std::uint64_t deleted = 0;  // or cancelled
    std::uint64_t expired = 0;  // by age or deadline
    std::uint64_t dead_lettered = 0;
    std::uint64_t moved_in = 0;
};

}  // namespace tranter::engine
