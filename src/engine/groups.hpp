#pragma once

#include "base/time.hpp"
#include "engine/message.hpp"
#include "engine/priority_line.hpp"
#include "engine/slab.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tranter::engine {

/// What the queue knows about one group while it holds messages of it.
struct Group {
    PriorityLine waiting{};       // standard: its visible messages
    VirtualPlace first{};         // of those, as the heaps know it
    std::uint32_t messages = 0;   // held in any state
    std::uint32_t in_flight = 0;  // of those, leased
    Instant last_sent{};
    double busy = 0;  // processing time, in the units of BusyTime

    Links ring{};  // neighbours in a GroupRing
    bool in_ring = false;
    bool noisy = false;
    Slot line_heap = no_slot;   // position among groups by the place of their first message
    Slot noisy_heap = no_slot;  // position among noisy groups

    Line line{};  // FIFO: all its messages, in order of sequence
    std::string key{};

    std::uint32_t queued() const { return messages - in_flight; }
};

/// The groups of one queue. References stay valid until the group is released.
class GroupTable {
  public:
    Group& operator[](Slot index) { return groups_[index]; }
    const Group& operator[](Slot index) const { return groups_[index]; }

    /// no_slot when no message of that group is held.
    Slot find(std::string_view key) const;
    Slot find_or_create(std::string_view key);
    void release(Slot index);
    void clear();

    std::size_t size() const { return by_key_.size(); }
    /// About what the groups take that are held.
    std::uint64_t bytes() const { return key_bytes_ + size() * group_memory_bytes; }
    /// Calls `visit(Slot)` for every group held; no particular order.
    template <class Visit>
    void for_each(Visit visit) const {
        for (const auto& [key, index] : by_key_)
            visit(index);
    }

  private:
    /// With its node in the map, and what malloc adds.
    static constexpr std::size_t group_memory_bytes = sizeof(Group) + 80;

    std::deque<Group> groups_;
    std::deque<Slot> free_;
    std::uint64_t key_bytes_ = 0;
    std::unordered_map<std::string_view, Slot> by_key_;  // keys live in groups_
};

/// Groups that take turns, in a circle.
class GroupRing {
  public:
    bool empty() const { return head_ == no_slot; }
    Slot front() const { return head_; }
    std::size_t size() const { return size_; }

    void push_back(GroupTable& groups, Slot index);
    void remove(GroupTable& groups, Slot index);
    void clear() { *this = {}; }

  private:
    Slot head_ = no_slot;
    Slot tail_ = no_slot;
    std::size_t size_ = 0;
};

}  // namespace tranter::engine
