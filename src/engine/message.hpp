#pragma once

#include "base/time.hpp"
#include "engine/payload.hpp"
#include "engine/types.hpp"

#include <algorithm>
#include <bit>
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

/// Later than anything that happens (the year 6500), and far from what arithmetic on times can
/// hold.
inline constexpr Instant end_of_time{Duration(std::int64_t{1} << 57)};

/// `base + time`, at most the end of time.
inline Instant later(Instant base, Duration time) {
    return time < end_of_time - base ? base + time : end_of_time;
}

/// held: visible to everybody who looks, but in no line while a message with its unique key is in
/// flight (see Extras::yields).
enum class State : std::uint8_t { free, visible, in_flight, delayed, held };

/// One message as the engine keeps it: 88 bytes, so that with the 48 of its payload's header and
/// what malloc adds it stays under the budget of 160 bytes beyond body and attributes.
struct Message {
    Payload payload{};
    Sequence sequence = 0;
    Instant sent_at{};
    /// In flight: end of the lease. Delayed: when it becomes visible. Visible in a standard queue:
    /// its place in line (see place()). Held: since when.
    std::int64_t due_or_place = 0;
    std::uint32_t first_receive = never;  // after sent_at, see first_received_at()
    std::uint16_t wheel_slot = 0;
    State state = State::free;
    bool moved_in : 1 = false;    // came from another queue
    bool taken_back : 1 = false;  // the latest delivery
    bool has_extras : 1 = false;  // the queue's ExtrasTable has more of it
    bool cancel_requested : 1 = false;
    /// Near the place, because whoever compares two places asks for it.
    std::uint8_t priority : 4 = priority_default;
    Instant received_at{};  // latest hand-out
    Links arrival{};        // list of all messages, in order of sequence
    /// Standard: the line it waits in, and while in flight the place it had there (see
    /// old_place()); FIFO: its group's messages.
    Links line{};
    Links timer{};  // timing wheel, while delayed or in flight
    std::uint32_t receive_count = 0;
    std::uint32_t deliveries = 0;  // like receive_count, but never goes back
    Slot group = no_slot;
    std::uint32_t source_queue = 0;

    static constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();
    static constexpr std::uint32_t in_seconds = std::uint32_t{1} << 31;

    Instant due() const { return Instant(Duration(due_or_place)); }
    void set_due(Instant when) { due_or_place = when.time_since_epoch().count(); }
    std::int64_t place() const { return due_or_place; }

    /// Of a message in flight in a standard queue.
    std::int64_t old_place() const { return std::bit_cast<std::int64_t>(line); }
    void keep_old_place(std::int64_t place) { line = std::bit_cast<Links>(place); }

    /// Exact to the millisecond in the first 24 days after the send, then to the second.
    Instant first_received_at() const {
        if (first_receive == never) return {};
        if ((first_receive & in_seconds) == 0) {
            return sent_at + std::chrono::milliseconds(first_receive);
        }
        return sent_at + std::chrono::seconds(first_receive & ~in_seconds);
    }
    void set_first_received_at(Instant when) {
        const auto millis =
            std::chrono::duration_cast<std::chrono::milliseconds>(when - sent_at).count();
        if (millis < in_seconds) {
            first_receive = static_cast<std::uint32_t>(millis);
        } else {
            const std::int64_t seconds_max = in_seconds - 2;
            first_receive = static_cast<std::uint32_t>(std::min(millis / 1000, seconds_max));
            first_receive |= in_seconds;
        }
    }
};
static_assert(sizeof(Message) == 88);

}  // namespace tranter::engine
