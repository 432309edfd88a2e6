#pragma once

#include "broker/receipt.hpp"
#include "broker/settings.hpp"
#include "engine/types.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tranter::broker {

/// Every change of a store's state, as one record each, in the order in which it happened. The
/// records alone are enough to rebuild the store. Views live only during append().
namespace record {

struct QueueCreated {
    QueueId queue = 0;
    std::string_view name;
    const QueueSettings* settings = nullptr;
    Instant at{};
};
/// Attributes, policy, tags or permissions changed; carries all settings as they are now.
struct QueueChanged {
    QueueId queue = 0;
    const QueueSettings* settings = nullptr;
    Instant at{};
};
struct QueueDeleted {
    QueueId queue = 0;
    Instant at{};
};
struct QueuePurged {
    QueueId queue = 0;
    Instant at{};
};
/// Messages of one batch are there together or not at all. Its records follow each other without
/// another one of their queue in between.
struct BatchPlace {
    bool member = false;
    std::uint32_t left = 0;  // records of the batch that follow
};
/// A send together with its de-duplication entry.
struct MessageSent {
    QueueId queue = 0;
    std::uint32_t slot = 0;
    engine::Sequence sequence = 0;
    const engine::Payload* payload = nullptr;
    std::string_view group;
    std::optional<Duration> delay{};
    Instant at{};
    const engine::Traits* traits = nullptr;
    BatchPlace batch{};
};
/// A send whose message took the place of one that waited, which goes with the same record. What
/// it keeps of that one is the engine's business, so all of it is written.
struct MessageReplaced {
    QueueId queue = 0;
    engine::Sent::Replaced replaced{};
    const engine::Stored* message = nullptr;
    /// Its de-duplication id counts.
    bool deduplicates = false;
    Instant at{};
    BatchPlace batch{};
};
struct MessageDeleted {
    QueueId queue = 0;
    std::uint32_t slot = 0;
    engine::Sequence sequence = 0;
};
/// A hand-out, its take-back or a changed lease: the state of the delivery as it is now. Nobody
/// waits for the disk because of these.
struct LeaseChanged {
    QueueId queue = 0;
    std::uint32_t slot = 0;
    engine::Sequence sequence = 0;
    engine::DeliveryState state{};
};
/// A consumer keeps text with a message.
struct MessageNoted {
    QueueId queue = 0;
    std::uint32_t slot = 0;
    engine::Sequence sequence = 0;
    std::string_view note;
};
/// A message left one queue for another: dead letter or move task.
struct MessageMoved {
    QueueId from = 0;
    std::uint32_t from_slot = 0;
    engine::Sequence from_sequence = 0;
    QueueId to = 0;
    std::uint32_t to_slot = 0;
    engine::Sequence to_sequence = 0;
    const engine::Transfer* message = nullptr;  // as it is in its new queue
    Instant at{};
};
/// A move task as it is now: enough to go on with it.
struct MoveTaskChanged {
    std::string_view task_id;
    QueueId source = 0;
    std::string_view destination;  // queue name; empty: each message's own source
    std::string_view status;       // see status_text()
    std::string_view failure;
    std::uint32_t max_per_second = 0;
    std::uint64_t moved = 0;
    std::uint64_t to_move = 0;
    Instant started{};
    Instant at{};
};

}  // namespace record

using Record = std::variant<
    record::QueueCreated,
    record::QueueChanged,
    record::QueueDeleted,
    record::QueuePurged,
    record::MessageSent,
    record::MessageDeleted,
    record::LeaseChanged,
    record::MessageMoved,
    record::MoveTaskChanged,
    record::MessageNoted,
    record::MessageReplaced>;

/// Position in the journal; everything up to it is covered when it is durable. 0: nothing to wait
/// for.
using Position = std::uint64_t;

/// What a journal still takes; see log::Accepts.
enum class Accepts : std::uint8_t { everything, no_growth, nothing };

/// Where changes of state go before they are answered. append() is called under the queue's mutex,
/// so records of one queue arrive in order, and must not block; the when_ functions are called
/// outside every lock. Thread-safe.
class Journal {
  public:
    virtual ~Journal() = default;
    virtual Position append(const Record& record) = 0;
    /// Who waits for this waits for everything appended so far.
    virtual Position end() const = 0;

    using Done = std::move_only_function<void(bool)>;
    /// Runs `done(true)` once everything up to `position` is as durable as configured,
    /// `done(false)` when it never will be. May run it before returning, or later on the journal's
    /// own thread.
    virtual void when_durable(Position position, Done done) = 0;
    /// Whether when_durable() would answer at once, so that callers can skip making the callback.
    virtual bool is_durable(Position position) const = 0;
    /// The same for what need only survive the end of this process.
    virtual void when_written(Position position, Done done) = 0;
    virtual bool is_written(Position position) const = 0;

    /// Whether load() can give back the payload of a message by the position of its record.
    virtual bool keeps_payloads() const { return false; }
    /// Empty when the record is gone or cannot be read. Reads the disk.
    virtual engine::Payload load(Position) const { return {}; }

    /// Something is lost from memory that is still in the journal: nothing is taken any more, so
    /// that it stays there and a restart finds it.
    virtual void fail(const std::string&) {}

    virtual Accepts accepts() const = 0;
    /// Why not everything is accepted, for people; empty otherwise.
    virtual std::string trouble() const = 0;
};

/// Keeps nothing: the memory-only store.
class NullJournal final : public Journal {
  public:
    Position append(const Record&) override { return 0; }
    Position end() const override { return 0; }
    void when_durable(Position, Done done) override { done(true); }
    bool is_durable(Position) const override { return true; }
    void when_written(Position, Done done) override { done(true); }
    bool is_written(Position) const override { return true; }
    Accepts accepts() const override { return Accepts::everything; }
    std::string trouble() const override { return {}; }
};

}  // namespace tranter::broker
