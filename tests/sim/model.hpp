#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "content.hpp"
#include "engine/types.hpp"
#include "fairness.hpp"
#include "invariant.hpp"
#include "tally.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tranter::sim {

/// What a queue must do, written to be obviously right: a plain vector of messages, searched from
/// the front for every question. It is told each operation together with the engine's answer,
/// checks the answer and throws Violation when it is not one that the contract allows. Where the
/// contract leaves a choice (which group is served first) it follows the engine's choice.
class Model {
  public:
    enum class State : std::uint8_t { delayed, visible, in_flight };

    struct Message {
        const Content* content = nullptr;
        engine::MessageId id{};  // the content's, or that of the message whose place it took
        std::string group{};
        engine::Sequence sequence = 0;
        std::uint32_t slot = 0;
        Instant sent_at{};
        Instant arrived_at{};  // here; later than sent_at when it was moved in
        Instant first_received_at{};
        Instant handed_out_at{};
        std::uint32_t receive_count = 0;
        std::uint32_t delivery = 0;  // number of the latest hand-out
        std::uint32_t source_queue = 0;
        State state = State::visible;
        Instant due{};           // while delayed or in flight
        std::int64_t place = 0;  // in line, while visible; in flight: what it was
        Instant ages_from{};     // what its retention counts from
        bool moved_in = false;
        bool taken_back = false;  // the latest hand-out
        bool cancel_requested = false;
        bool held = false;  // visible, but out of line for another one with its key in flight
        engine::Traits traits{};
        std::string note{};
        Instant unique_since{};  // first send of what it replaced, or its own
    };

    /// `tally` outlives the model.
    Model(const engine::QueuePolicy& policy, Tally& tally);

    void send(
        const Content& content,
        const engine::SendOptions& options,
        Instant now,
        const Result<engine::Sent>& answer
    );
    void receive(
        const engine::ReceiveOptions& options, Instant now, const engine::Received& answer
    );
    void acknowledge(const engine::Receipt& receipt, Instant now, const Result<bool>& answer);
    void change_visibility(
        const engine::Receipt& receipt, Duration timeout, Instant now, const Result<void>& answer
    );
    void take_back(const engine::Receipt& receipt, Instant now);
    void move_in(
        const Content& content,
        const engine::Transfer& transfer,
        Instant now,
        const engine::Sent& answer
    );
    struct MovedOut {
        const std::vector<engine::Transfer>& transfers;
        bool done = false;
    };
    void move_out(
        const engine::MoveOut& wanted,
        std::uint32_t every,
        bool goes_on,
        Instant now,
        const MovedOut& answer
    );
    void settle(
        const engine::Settle& settle,
        Instant now,
        const Result<engine::MessageView>& answer,
        const engine::Transfer& taken
    );
    void extend(
        const engine::Receipt& receipt, Duration lease, Instant now, const Result<bool>& answer
    );
    void set_note(
        const engine::Receipt& receipt,
        const std::string& note,
        Instant now,
        const Result<void>& answer
    );
    void find(
        const engine::MessageId& id, Instant now, const std::optional<engine::MessageView>& answer
    );
    void cancel(
        const engine::MessageId& id, Instant now, const Result<engine::CancelResult>& answer
    );
    void promote(const engine::MessageId& id, Instant now, const Result<void>& answer);
    void take_out(const engine::MessageId& id, Instant now, const Result<engine::Transfer>& answer);
    /// After take_out().
    void give_back(
        const Content& content,
        const engine::Transfer& transfer,
        Instant now,
        const engine::Sent& answer
    );
    void list(
        engine::Sequence after, std::size_t max, const std::vector<engine::MessageView>& views
    ) const;
    /// The engine was made again out of what it stored, at this time.
    void restart(Instant now);
    void purge(Instant now);
    void set_policy(const engine::QueuePolicy& policy, Instant now);
    void advance(Instant now);

    void compare(const engine::Counters& counters);
    void compare(const std::vector<engine::MessageView>& views, std::size_t offset, std::size_t max)
        const;
    /// What ended by itself since the last comparison.
    void compare_ended(const std::vector<engine::Ended>& ended);
    void compare_policy(const engine::QueuePolicy& policy) const;
    void compare_oldest(std::optional<Instant> oldest) const;
    /// `next_event` must not be later than the next moment at which anything here changes.
    void compare_next_event(std::optional<Instant> next_event) const;

    const std::vector<Message>& messages() const { return messages_; }
    const engine::QueuePolicy& policy() const { return policy_; }
    bool fifo() const { return policy_.groups.order == engine::Order::fifo; }

  private:
    /// Why a sequence number that was given out is not held any more.
    enum class Fate : std::uint8_t {
        held,
        deleted,
        expired,
        purged,
        moved,
        replaced,
        too_late,   // by its deadline
        cancelled,  // instead of coming back
    };
    struct Remembered {
        std::string key;
        engine::Sent first{};
        Instant sent_at{};
    };
    struct Throttle {
        std::string key;
        engine::Sent first{};
        Instant ends_at{};
    };
    struct End {
        Message message;
        engine::Ended::Why why{};
    };
    struct Attempt {
        std::string id;
        Instant made_at{};
        struct Handed {
            engine::Receipt receipt{};
            Instant visible_at{};
            std::uint32_t answers = 1;  // that have it
        };
        std::vector<Handed> handed{};
    };
    /// One receive while it is checked.
    struct Batch;

    Message* find(const engine::Receipt& receipt);
    Message* find(engine::Sequence sequence);
    std::uint32_t in_flight(const std::string& group) const;
    std::uint32_t in_flight() const;
    Instant expires_at(const Message& message) const;
    void make_visible(Message& message, Instant since);
    /// Whether another message with its key is in flight, and it is one that waits for such.
    bool must_yield(const Message& message) const;
    /// Whether it stays out of line.
    bool hold_back(Message& message, Instant since);
    /// A message came into flight or left it: who is held back now, and who not any more.
    void hold_back_others();
    void let_go(Instant since);
    Message* find(const engine::MessageId& id);
    void remove(engine::Sequence sequence, Fate fate);
    void expire(Instant now);
    void expire_deadlines(Instant now);
    /// Whether the message ends now, because it comes back from flight.
    bool ends_on_return(const Message& message, Instant now);
    void end(const Message& message, engine::Ended::Why why);
    void compare(const engine::MessageView& view, const Message& message) const;

    // model_send.cpp
    /// Whether a message with its unique key stands against the send, which is then done with.
    bool meets_key(
        const Content& content,
        const engine::SendOptions& options,
        Instant now,
        const Result<engine::Sent>& answer
    );
    void require_duplicate(
        const Content& content, const engine::Sent& first, const Result<engine::Sent>& answer
    );
    void replace(
        const Content& content,
        Message& old,
        const engine::SendOptions& options,
        Instant now,
        const Result<engine::Sent>& answer
    );
    Message* newest_with(const std::string& key, bool in_flight_too);
    bool queued_limit_refuses(const std::string& group, const Result<engine::Sent>& answer);

    // model_jobs.cpp
    /// The message that the receipt holds; null when it does not, and the answer says why.
    Message* held(const engine::Receipt& receipt, const Error* error);
    /// The message with this id; null when there is none, and the answer says so.
    Message* known(const engine::MessageId& id, const Error* error);
    void put_back(Message& message, const engine::Settle& settle, Instant now);
    void restore_places(Instant now);

    void accept_number(const engine::Sent& answer);
    Message& append(Message message);
    const Remembered* remembered(const std::string& key, Instant now);

    /// Whether another answer to its attempt id has the delivery that this one has lost.
    bool has_other_answer(const engine::Receipt& receipt);
    bool repeats_attempt(
        const engine::ReceiveOptions& options, Instant now, const engine::Received& answer
    );
    void consume(Batch& batch);
    void consume_dead(Batch& batch, const engine::Transfer& transfer);
    void consume_delivery(Batch& batch, const engine::Delivery& delivery);
    void hand_out(Batch& batch, Message& message, const engine::Delivery& delivery);
    bool exhausted(const Batch& batch, const Message& message) const;

    // model_order.cpp
    bool group_is_full(const Batch& batch, const std::string& group) const;
    bool waits(const Batch& batch, const Message& message) const;
    /// Why the message may not be handed out next; nothing when it may.
    std::optional<Violation> refusal(const Batch& batch, const Message& message);
    std::optional<Violation> fifo_refusal(const Batch& batch, const Message& message) const;
    std::optional<Violation> standard_refusal(const Batch& batch, const Message& message);
    const Message* fifo_available(const Batch& batch, const std::string& group) const;
    const Message* first_in_line(const Batch& batch);
    std::pair<std::int64_t, int> virtual_place(const Message& message) const;
    bool before(const Message& left, const Message& right) const;
    void see_what_priority_did(const Message& message) const;
    bool before_among_noisy(const Message& left, const Message& right) const;
    const Message* available(const Batch& batch);
    void see_who_waits(const Batch& batch);
    void quiet_the_served(const Batch& batch);
    void see_what_is_available();
    void require_end(const Batch& batch);
    bool is_dead_next(const Batch& batch, const Message& message);
    void require_dead_end(const Batch& batch);

    Violation explain_missing(engine::Sequence sequence) const;
    void check_transfer(const engine::Transfer& transfer, const Message& message, bool dead) const;

    engine::QueuePolicy policy_;
    std::vector<Message> messages_;  // in order of sequence
    std::vector<Fate> fates_;        // by sequence - 1
    std::vector<Remembered> deduplication_;
    std::set<std::string> ids_seen_;
    std::vector<Throttle> throttles_;
    std::vector<End> ended_;
    std::vector<Attempt> attempts_;
    struct Move {
        engine::Sequence until = 0;
        engine::Sequence looked_at = 0;
        std::set<std::string> blocked{};
    };
    Move move_{};    // the last one
    Instant now_{};  // of the operation that is checked
    std::int64_t last_place_ = 0;
    std::int64_t first_place_ = 0;
    engine::Counters counted_{};  // only those that count since the queue was made
    Turns turns_;
    NoisyRule noisy_;
    Tally& tally_;
};

}  // namespace tranter::sim
