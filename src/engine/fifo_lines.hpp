#pragma once

#include "engine/groups.hpp"
#include "engine/message.hpp"
#include "engine/slab.hpp"
#include "engine/types.hpp"

namespace tranter::engine {

/// Which groups of a FIFO queue may deliver. A group's line holds all its messages in order; the
/// group is available while the first of them is visible (SQS_SPEC 11.2, 11.3) and it is under its
/// limit. Available groups take turns, each turn hands out as many as the receiver asks for.
class FifoLines {
  public:
    FifoLines(Slab& slab, GroupTable& groups) : slab_(slab), groups_(groups) {}

    void set_policy(const GroupPolicy& policy) { policy_ = policy; }

    /// The newest message of its group.
    void append(Slot slot) {
        const Slot group = slab_[slot].group;
        groups_[group].line.push_back(slab_, slot);
        refresh(group);
    }

    /// A message of its group that is back, at its place by sequence number.
    void insert(Slot slot) {
        const Slot group = slab_[slot].group;
        Slot after = groups_[group].line.head();
        while (after != no_slot && slab_[after].sequence < slab_[slot].sequence)
            after = Line::next(slab_, after);
        groups_[group].line.insert_before(slab_, after, slot);
        refresh(group);
    }

    /// The message is gone.
    void erase(Slot slot) {
        const Slot group = slab_[slot].group;
        groups_[group].line.remove(slab_, slot);
        refresh(group);
    }

    /// A message of the group changed its state.
    void refresh(Slot group) {
        if (available(groups_[group])) {
            ring_.push_back(groups_, group);
        } else {
            ring_.remove(groups_, group);
        }
    }

    bool available(const Group& group) const {
        if (group.line.empty()) return false;
        if (slab_[group.line.head()].state != State::visible) return false;
        const std::uint32_t limit = policy_.max_in_flight_per_group;
        return limit == 0 || group.in_flight < limit;
    }

    /// no_slot when no group is available.
    Slot front() const { return ring_.front(); }
    std::size_t size() const { return ring_.size(); }

    /// The group goes behind the others if it is still available.
    void took_turn(Slot group) {
        ring_.remove(groups_, group);
        refresh(group);
    }

    void clear() {
        ring_.clear();
        groups_.clear();
    }

  private:
    Slab& slab_;
    GroupTable& groups_;
    GroupPolicy policy_{};
    GroupRing ring_{};
};

}  // namespace tranter::engine
