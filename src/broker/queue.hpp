#pragma once

#include "broker/receipt.hpp"
#include "broker/settings.hpp"
#include "engine/types.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tranter::broker {

/// What all queues of a store hold together.
struct Totals {
    std::atomic<std::uint64_t> bytes{0};   // of payloads
    std::atomic<std::uint64_t> memory{0};  // that they take, about
};

class Queue;
/// Shared by the broker and by requests under way; a deleted queue lives on until they end.
using QueueHandle = std::shared_ptr<Queue>;
using SettingsSnapshot = std::shared_ptr<const QueueSettings>;

/// What anyone may ask a queue; changing it goes through the Broker. Thread-safe.
class Queue {
  public:
    Queue(QueueId id, std::string name, QueueSettings settings, Instant created);
    /// Counts what it holds in `totals` as well.
    Queue(
        QueueId id,
        std::string name,
        QueueSettings settings,
        Instant created,
        std::shared_ptr<Totals> totals
    );
    ~Queue();
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    QueueId id() const;
    const std::string& name() const;
    bool fifo() const;
    Instant created() const;
    Instant modified() const;
    /// As they are now; immutable, so it can be kept without a lock.
    SettingsSnapshot settings() const;
    engine::Counters counters(Instant now) const;
    std::optional<Instant> oldest(Instant now) const;
    /// See engine::Queue::longest_in_flight().
    std::optional<Instant> longest_in_flight(Instant now) const;
    std::size_t waiting() const;
    std::vector<engine::MessageView> peek(std::size_t offset, std::size_t max) const;

    /// For the broker's own files, which define State.
    struct State;
    State& state() const { return *state_; }

  private:
    std::unique_ptr<State> state_;
};

}  // namespace tranter::broker
