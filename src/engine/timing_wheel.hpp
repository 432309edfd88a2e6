#pragma once

#include "base/time.hpp"
#include "engine/slab.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace tranter::engine {

/// Hierarchical timing wheel (Varghese and Lauck, 1987) over the timer links of a slab: insert and
/// remove in O(1), next event by bit scan. Eight levels of 64 slots with ticks of a millisecond
/// reach the year 10889, so beyond end_of_time; within its tick a message fires exactly at its due
/// time, in order of due time and then sequence.
class TimingWheel {
  public:
    TimingWheel() { heads_.fill(no_slot); }

    bool empty() const { return occupied_levels_ == 0; }

    /// Schedules the message at its due().
    void insert(Slab& slab, Slot slot);
    void remove(Slab& slab, Slot slot);
    /// Forgets every message, but not the time.
    void clear();

    /// Takes out every message due by `now`, in firing order, appended to `fired`.
    void advance(Slab& slab, Instant now, std::vector<Slot>& fired);

    /// Not later than the earliest due time; nothing when empty.
    std::optional<Instant> next_event(const Slab& slab) const;

  private:
    static constexpr unsigned slot_bits = 6;
    static constexpr unsigned slots = 1U << slot_bits;
    static constexpr unsigned levels = 8;

    struct Place {
        unsigned level;
        unsigned slot;
        std::uint64_t start;  // first tick of that slot
    };
    static std::uint64_t tick_of(Instant when);
    std::optional<Place> first() const;
    void fire(Slab& slab, const Place& place, Instant now, std::vector<Slot>& fired);
    void cascade(Slab& slab, const Place& place);

    std::array<Slot, levels * slots> heads_{};
    std::array<std::uint64_t, levels> occupied_{};  // a bit per slot
    unsigned occupied_levels_ = 0;                  // a bit per level
    std::uint64_t tick_ = 0;
};

}  // namespace tranter::engine
