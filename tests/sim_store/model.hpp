#pragma once

#include "broker/broker.hpp"
#include "content.hpp"
#include "invariant.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tranter::store_sim {

using broker::Position;
using broker::QueueId;
using engine::Sequence;

struct Message {
    enum class State : std::uint8_t { visible, in_flight, delayed };

    Token token = 0;
    std::string group{};
    Sequence sequence = 0;
    std::optional<std::uint32_t> slot{};  // known once somebody saw a receipt
    Instant sent_at{};
    Instant ages_from{};  // what its retention counts from
    Instant first_received_at{};
    std::uint32_t receive_count = 0;
    std::uint32_t deliveries = 0;
    bool taken_back = false;  // the latest delivery does not count, and not twice
    State state = State::visible;
    Instant due{};  // while delayed or in flight
    QueueId source_queue = 0;
    bool moved_in = false;
    bool renamed = false;  // it has other ids than it was sent with
    engine::Traits traits{};
    std::string note{};
    bool cancel_requested = false;
    Instant unique_since{};

    bool has_key() const {
        return traits.uniqueness != engine::Uniqueness::none && !traits.unique_key.empty();
    }
};

struct Queue {
    QueueId id = 0;
    std::string name{};
    broker::QueueSettings settings{};
    std::map<Sequence, Message> messages{};
    Sequence last_sequence = 0;
    struct Remembered {
        std::string key{};
        Sequence sequence = 0;
        Instant at{};
    };
    std::vector<Remembered> ids{};  // de-duplication, oldest first
    struct Throttle {
        std::string key{};
        Sequence sequence = 0;
        Instant at{};
        Duration lasts{};
        bool operator==(const Throttle&) const = default;
        auto operator<=>(const Throttle&) const = default;
    };
    std::vector<Throttle> throttles{};
    std::vector<Sequence> ended{};  // by deadline or by request, and nobody has reported it

    bool fifo() const { return settings.engine.groups.order == engine::Order::fifo; }
    std::string key(const std::string& group, const std::string& id_in) const;
    const Remembered* find_id(const std::string& key_in) const;
    const Throttle* find_throttle(const std::string& key_in) const;
    /// The newest message that holds the key; `waiting`: that is not in flight.
    const Message* find_unique(const std::string& key_in, bool waiting) const;
    /// Whether it must wait until no other message with its key is in flight.
    bool held_back(const Message& message) const;
    std::size_t queued(const std::string& group) const;
    void begin_throttle(const Message& message, Instant at);
    /// What happens by time alone.
    void advance(Instant now);
    void set_policy(const engine::QueuePolicy& policy, Instant now);
};

struct Task {
    std::string id{};
    QueueId source = 0;
    std::string destination{};
    bool running = true;
};

/// One change of the store, as small as what may survive a crash by itself.
struct Event {
    enum class Kind : std::uint8_t {
        created,
        changed,
        removed,
        purged,
        sent,
        leased,
        deleted,
        moved,
        task,
    };

    Kind kind{};
    Instant at{};
    QueueId queue = 0;
    std::string text{};                                       // created: name; sent: its id's key
    std::shared_ptr<const broker::QueueSettings> settings{};  // created, changed
    Message message{};           // sent, moved: the new one; leased: as it is now; deleted: which
    QueueId from = 0;            // moved
    Sequence from_sequence = 0;  // moved; sent: whose place it took
    Task task{};
    /// Its record stands somewhere between; the log's end before and after the operation that this
    /// was a part of, where nobody says it more exactly.
    Position begin = 0;
    Position end = 0;
    bool exact = false;
    bool from_batch = false;
};
std::string describe(const Event& event);

/// Everything that survives: what each change did, applied in order. Obviously right rather than
/// fast, and copied for every crash.
struct State {
    std::map<QueueId, Queue> queues{};
    std::vector<Task> tasks{};  // newest first

    void apply(const Event& event);
    void advance(Instant now);
    Queue* find(QueueId id);
    Queue* find(const std::string& name);
    const Message* find_token(QueueId queue, Token token) const;
    std::size_t messages() const;
};

struct Mismatch {
    Invariant invariant{};
    std::string text{};
};

/// How a broker differs from `state` at `now`; nothing when it does not. `subset`: it may lack
/// queues, messages and tasks (of a log whose oldest segments were taken away).
std::optional<Mismatch> compare(
    State state, broker::Broker& broker, std::uint32_t body_bytes_max, bool subset
);

}  // namespace tranter::store_sim
