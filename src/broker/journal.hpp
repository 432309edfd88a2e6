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
/// A send together with its de-duplication entry.
struct MessageSent {
    QueueId queue = 0;
    std::uint32_t slot = 0;
    engine::Sequence sequence = 0;
    const engine::Payload* payload = nullptr;
    std::string_view group;
    std::optional<Duration> delay{};
    Instant at{};
};
struct MessageDeleted {
    QueueId queue = 0;
    std::uint32_t slot = 0;
    engine::Sequence sequence = 0;
};
/// A hand-out, its take-back or a changed lease: nobody waits for these.
struct LeaseChanged {
    QueueId queue = 0;
    std::uint32_t slot = 0;
    engine::Sequence sequence = 0;
    std::uint32_t receive_count = 0;
    Instant visible_at{};
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
struct MoveTaskChanged {
    std::string_view task_id;
    QueueId source = 0;
    std::string_view destination;  // queue name; empty: each message's own source
    std::string_view status;
    std::uint64_t moved = 0;
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
    record::MoveTaskChanged>;

/// Position in the journal; everything up to it is covered when it is durable. 0: nothing to wait
/// for.
using Position = std::uint64_t;

/// Where changes of state go before they are answered. append() is called under the queue's mutex,
/// so records of one queue arrive in order, and must not block; when_durable() is called outside
/// every lock.
class Journal {
  public:
    virtual ~Journal() = default;
    /// Thread-safe.
    virtual Position append(const Record& record) = 0;
    /// Runs `done(true)` once everything up to `position` is as durable as configured,
    /// `done(false)` when it never will be. May run it before returning, or later on the journal's
    /// own thread.
    virtual void when_durable(Position position, std::move_only_function<void(bool)> done) = 0;
    /// Whether when_durable() would answer at once, so that callers can skip making the callback.
    virtual bool is_durable(Position position) const = 0;
};

/// Keeps nothing: the memory-only store.
class NullJournal final : public Journal {
  public:
    Position append(const Record&) override { return 0; }
    void when_durable(Position, std::move_only_function<void(bool)> done) override { done(true); }
    bool is_durable(Position) const override { return true; }
};

}  // namespace tranter::broker
