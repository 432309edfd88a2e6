#pragma once

#include "base/time.hpp"
#include "engine/message.hpp"
#include "engine/slab.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace tranter::engine {

/// Who goes first in a standard queue, before questions of fairness: each level of priority is as
/// good as having waited for `aging` longer. Whoever was taken back goes before all others.
struct VirtualPlace {
    std::int64_t place = 0;
    std::uint8_t priority = 0;  // no two messages of one priority share a place

    bool operator<(const VirtualPlace& other) const {
        return place != other.place ? place < other.place : priority < other.priority;
    }
};

/// What virtual_place() takes, in its limits: so that no sum overflows, and nobody who waits longer
/// comes later for it.
inline std::int64_t aging_step(Duration aging) {
    constexpr Duration most = std::chrono::hours(24 * 365 * 1000);
    return std::clamp(aging, Duration::zero(), most).count();
}

inline VirtualPlace virtual_place(const Message& message, std::int64_t aging) {
    const std::int64_t place = message.place();
    return {
        .place = place < 0 ? place : place + message.priority * aging,
        .priority = message.priority};
}

/// The messages of one line in order of their virtual places. Messages of one priority are in order
/// of place; while there are others than the default, each priority has a lane. The same aging in
/// every call.
class PriorityLine {
  public:
    bool empty() const { return head() == no_slot; }
    Slot head() const { return lanes_ ? lanes_->head : line_.head(); }

    /// Its place is behind those of its priority.
    void push_back(Slab& slab, Slot slot, std::int64_t aging) {
        if (lanes_ == nullptr && slab[slot].priority == priority_default) {
            line_.push_back(slab, slot);
            return;
        }
        lane_for(slab[slot].priority).push_back(slab, slot);
        update(slab, aging);
    }
    /// Its place is before those of its priority.
    void push_front(Slab& slab, Slot slot, std::int64_t aging) {
        lane_for(slab[slot].priority).push_front(slab, slot);
        if (lanes_) update(slab, aging);
    }
    /// In order of place, which is not before that of `after` (of the same priority; no_slot: find
    /// out from the front).
    void insert(Slab& slab, Slot slot, Slot after, std::int64_t aging);
    void remove(Slab& slab, Slot slot, std::int64_t aging) {
        if (lanes_ == nullptr) {
            line_.remove(slab, slot);
        } else {
            remove_from_lane(slab, slot, aging);
        }
    }

    // For checks.
    std::size_t count(const Slab& slab) const;
    bool in_order(const Slab& slab, std::int64_t aging) const;

  private:
    struct Lanes {
        std::array<Line, priority_last + 1> lines{};
        Slot head = no_slot;
    };

    Line& lane_for(std::uint8_t priority) {
        if (lanes_ == nullptr) {
            if (priority == priority_default) return line_;
            lanes_ = std::make_unique<Lanes>();
            lanes_->lines[priority_default] = line_;
            line_ = {};
        }
        return lanes_->lines[priority];
    }
    void remove_from_lane(Slab& slab, Slot slot, std::int64_t aging);
    void update(const Slab& slab, std::int64_t aging);

    Line line_{};  // all of them while lanes_ is null, else empty
    std::unique_ptr<Lanes> lanes_;
};

}  // namespace tranter::engine
