#pragma once

#include "base/time.hpp"
#include "engine/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace tranter::sim {

/// A run works on two queues; what one of them declares dead goes to the other one.
inline constexpr std::uint8_t main_queue = 0;
inline constexpr std::uint8_t dead_queue = 1;

/// What is changed in a receipt before it is presented.
enum class Forgery : std::uint8_t { none, slot, sequence, delivery, invented };

/// Names a receipt by what led to it, not by its bytes, so that an operation still makes sense
/// after others before it were taken out of the history.
struct Handle {
    std::uint32_t token = 0;     // of the message
    std::uint32_t hand_out = 0;  // which of its hand-outs, from 0
    Forgery forgery = Forgery::none;
    std::uint32_t noise = 0;  // what the forger puts in
};

struct Send {
    std::uint8_t queue = 0;
    std::uint32_t token = 0;
    std::uint32_t body_bytes = 0;
    std::uint32_t group = 0;          // 0: none
    std::uint32_t deduplication = 0;  // 0: none
    std::optional<Duration> delay{};
    std::uint8_t priority = engine::priority_default;
    std::uint32_t max_receives = 0;
    std::optional<Duration> deadline{};  // after the send
    engine::Uniqueness uniqueness = engine::Uniqueness::none;
    std::uint32_t unique = 0;  // its key; 0: none
    Duration unique_for{};
};
struct Receive {
    std::uint8_t queue = 0;
    std::uint32_t max_messages = 1;
    std::optional<Duration> visibility_timeout{};
    std::uint32_t attempt = 0;  // 0: none
    bool keep_exhausted = false;
    std::uint32_t dead_max = 100;
    /// Not 0: nothing but dead letters, up to the one with this place from the newest number back.
    std::uint32_t only_dead = 0;
};
struct Acknowledge {
    std::uint8_t queue = 0;
    Handle handle{};
};
struct ChangeVisibility {
    std::uint8_t queue = 0;
    Handle handle{};
    Duration timeout{};
};
struct TakeBack {
    std::uint8_t queue = 0;
    Handle handle{};
};
/// Moves visible messages to the other queue, one by one, as a move task does.
struct Move {
    std::uint8_t from = 0;
    std::uint32_t max = 1;
    std::uint32_t every = 1;  // only tokens that are a multiple
    std::uint32_t looks_max = 1000;
    bool goes_on = false;  // from where the last one out of this queue came to
};
struct Purge {
    std::uint8_t queue = 0;
};
struct SetPolicy {
    std::uint8_t queue = 0;
    engine::QueuePolicy policy{};
};
/// Time passes and nobody calls; the next call finds everything that was due.
struct Wait {
    Duration time{};
};
struct Advance {
    std::uint8_t queue = 0;
};
struct Peek {
    std::uint8_t queue = 0;
    std::uint32_t offset = 0;
    std::uint32_t max = 1;
};

struct Settle {
    std::uint8_t queue = 0;
    Handle handle{};
    engine::Settle::Kind kind = engine::Settle::Kind::complete;
    Duration delay{};
    bool counts = true;
};
struct Extend {
    std::uint8_t queue = 0;
    Handle handle{};
    Duration lease{};
};
struct Note {
    std::uint8_t queue = 0;
    Handle handle{};
    std::uint32_t note = 0;  // 0: an empty one
};
/// The message with the id that this token was sent with.
struct Find {
    std::uint8_t queue = 0;
    std::uint32_t token = 0;
};
struct Cancel {
    std::uint8_t queue = 0;
    std::uint32_t token = 0;
};
struct Promote {
    std::uint8_t queue = 0;
    std::uint32_t token = 0;
};
/// To the other queue, as somebody does who retries a dead letter.
struct TakeOut {
    std::uint8_t queue = 0;
    std::uint32_t token = 0;
    bool forget_receives = false;
    bool gives_back = false;  // to the queue itself, as nobody else wants it
};
struct List {
    std::uint8_t queue = 0;
    std::uint32_t after = 0;  // the sequence number of a message that is there, gone, or to come
    std::uint32_t max = 1;
};
/// The queue is written down, nobody is there for a while, and it is made again.
struct Restart {
    std::uint8_t queue = 0;
    Duration downtime{};
};

using Operation = std::variant<
    Send,
    Receive,
    Acknowledge,
    ChangeVisibility,
    TakeBack,
    Move,
    Purge,
    SetPolicy,
    Wait,
    Advance,
    Peek,
    Settle,
    Extend,
    Note,
    Find,
    Cancel,
    Promote,
    TakeOut,
    List,
    Restart>;

std::string describe(const Operation& operation);
std::string describe(const engine::QueuePolicy& policy);
/// "1.5s"; times in a history are counted from the start of the run.
std::string describe(Duration time);

}  // namespace tranter::sim
