#pragma once

#include "base/time.hpp"
#include "engine/payload.hpp"
#include "engine/types.hpp"

#include <cstdint>
#include <limits>

namespace tranter::engine {

/// Index of a message in its queue's slab, or of a group in its queue's table.
using Slot = std::uint32_t;
inline constexpr Slot no_slot = std::numeric_limits<Slot>::max();

/// Neighbours in one intrusive list.
struct Links {
    Slot prev = no_slot;
    Slot next = no_slot;
};

enum class State : std::uint8_t { free, visible, in_flight, delayed };

/// One message as the engine keeps it: 88 bytes, so that with the 48 of its payload's header and
/// what malloc adds it stays under the budget of 160 bytes beyond body and attributes.
struct Message {
    Payload payload{};
    Sequence sequence = 0;
    Instant sent_at{};
    /// In flight: end of the lease. Delayed: when it becomes visible. Visible in a standard queue:
    /// its place in line (see place()).
    std::int64_t due_or_place = 0;
    Instant received_at{};  // latest hand-out
    Links arrival{};        // list of all messages, in order of sequence
    Links line{};           // standard: the line it waits in; FIFO: its group's messages
    Links timer{};          // timing wheel, while delayed or in flight
    std::uint32_t receive_count = 0;
    std::uint32_t deliveries = 0;  // like receive_count, but never goes back
    Slot group = no_slot;
    std::uint32_t source_queue = 0;
    std::uint32_t first_receive_millis = never;  // after sent_at
    std::uint16_t wheel_slot = 0;
    State state = State::free;
    bool moved_in : 1 = false;    // came from another queue
    bool taken_back : 1 = false;  // the latest delivery

    static constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();

    Instant due() const { return Instant(Duration(due_or_place)); }
    void set_due(Instant when) { due_or_place = when.time_since_epoch().count(); }
    std::int64_t place() const { return due_or_place; }

    Instant first_received_at() const {
        if (first_receive_millis == never) return {};
        return sent_at + std::chrono::milliseconds(first_receive_millis);
    }
    void set_first_received_at(Instant when) {
        const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(when - sent_at);
        first_receive_millis = static_cast<std::uint32_t>(after.count());
    }
};
static_assert(sizeof(Message) == 88);

}  // namespace tranter::engine
