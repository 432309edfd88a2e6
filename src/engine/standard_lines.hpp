#pragma once

#include "base/time.hpp"
#include "engine/groups.hpp"
#include "engine/indexed_heap.hpp"
#include "engine/message.hpp"
#include "engine/priority_line.hpp"
#include "engine/slab.hpp"
#include "engine/types.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tranter::engine {

/// Which visible message of a standard queue is next (DESIGN section 4). Holds every visible
/// message in exactly one line: the common one, or its group's when the policy looks at groups.
/// Priorities count inside a line and, except for round_robin, between lines. All operations are
/// O(1) for messages outside groups, O(log groups) otherwise, except where it is said.
class StandardLines {
  public:
    StandardLines(Slab& slab, GroupTable& groups);

    /// Only while no message is visible; use rebuild() otherwise.
    void set_policy(const GroupPolicy& policy, Duration aging);
    const GroupPolicy& policy() const { return policy_; }

    /// A place at the end of the line for what became visible at `since`, which no other has.
    std::int64_t place_at_end(Instant since);
    /// The message became visible at `since`: it goes to the end of its line.
    void push_back(Slot slot, Instant since);
    /// The message goes before all others.
    void push_front(Slot slot);
    /// The message goes where it was. Looks at those of its line and priority that go before it,
    /// which are only others that were put back; O(1) when they come back in order of place.
    void put_back(Slot slot, std::int64_t place);
    /// Restoring, in order of place: the message is in line since `place`.
    void restore(Slot slot, std::int64_t place);
    /// Restoring: this place belongs to a message in flight, and so to no other.
    void claim(std::int64_t place);
    /// The message is no longer visible.
    void remove(Slot slot);

    /// The message to hand out next, still in line; no_slot when none may be handed out.
    /// `in_flight` counts the whole queue.
    Slot next(std::uint64_t in_flight, Instant now);
    /// After a hand-out of a message of this group: its turn is over.
    void took_turn(Slot group);
    /// The group's number in flight changed, which may pass its limit or its place among the noisy.
    void in_flight_changed(Slot group);
    /// A delivery of this group (or of none) ended by a delete after this processing time.
    void processed(Slot group, Duration busy, Instant now);

    /// Puts every visible message, given in order of place, into line again under another policy.
    void rebuild(const GroupPolicy& policy, Duration aging, const std::vector<Slot>& visible);
    /// Forgets every message and group.
    void clear();

    /// Messages in all lines, counted one by one; for checks.
    std::size_t count() const;
    /// Whether every line is in order and begins with the right message.
    bool in_order() const;
    std::size_t noisy_groups() const { return noisy_.size(); }

  private:
    struct ByLine {
        StandardLines* lines;
        bool less(Slot a, Slot b) const;
        Slot& position(Slot group) const;
    };
    struct ByInFlight {
        StandardLines* lines;
        bool less(Slot a, Slot b) const;
        Slot& position(Slot group) const;
    };

    /// The group whose line a message of `group` waits in; no_slot: the common line.
    Slot home(Slot group) const {
        if (group == no_slot) return ungrouped_;
        const bool grouped =
            policy_.fairness != Fairness::off || policy_.max_in_flight_per_group > 0;
        return grouped ? group : no_slot;
    }
    bool may_deliver(Slot group) const;
    void refresh(Slot group);
    void append(Slot slot);
    VirtualPlace place_of(Slot slot) const { return virtual_place(slab_[slot], aging_); }
    PriorityLine& line_of(Slot home) { return home == no_slot ? common_ : groups_[home].waiting; }
    Slot next_by_place(std::uint64_t in_flight, Instant now);
    bool turns_noisy(const Group& group, std::uint64_t in_flight, Instant now) const;
    void quiet_the_silent(Instant now);

    Slab& slab_;
    GroupTable& groups_;
    GroupPolicy policy_{};
    std::int64_t aging_ = 0;
    PriorityLine common_{};
    Slot last_put_back_ = no_slot;
    Slot ungrouped_ = no_slot;   // round_robin: stands for all messages without a group
    GroupRing ring_{};           // round_robin: groups with something to deliver
    IndexedHeap<ByLine> quiet_;  // other policies: by place of the first message
    IndexedHeap<ByInFlight> noisy_;
    Instant silence_check_ = Instant::max();  // no noisy group can be silent enough before
    // Places are microseconds, as times are, so that they mean the same after a restart. Whoever
    // goes before all others gets one below zero.
    std::int64_t last_place_ = 0;
    std::int64_t first_place_ = 0;
    // Processing time counts with weight 2^(minutes since weight_epoch_), so that older time fades
    // against newer without touching any group.
    double total_busy_ = 0;
    Instant weight_epoch_{};
};

}  // namespace tranter::engine
