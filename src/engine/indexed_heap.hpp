#pragma once

#include "engine/message.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace tranter::engine {

/// A binary min-heap of indices whose owner keeps each index's position, so that any of them can be
/// removed or moved in O(log n). `Access` gives `bool less(Slot, Slot)` and `Slot& position(Slot)`;
/// a position of no_slot means "not in the heap".
template <class Access>
class IndexedHeap {
  public:
    explicit IndexedHeap(Access access) : access_(access) {}

    bool empty() const { return entries_.empty(); }
    std::size_t size() const { return entries_.size(); }
    Slot top() const { return entries_.front(); }
    const std::vector<Slot>& entries() const { return entries_; }

    /// Inserts the index, or restores its order after its key changed.
    void push_or_update(Slot index) {
        Slot& position = access_.position(index);
        if (position == no_slot) {
            position = static_cast<Slot>(entries_.size());
            entries_.push_back(index);
        }
        sift_down(sift_up(position));
    }

    /// No effect when it is not in the heap.
    void remove(Slot index) {
        const Slot position = std::exchange(access_.position(index), no_slot);
        if (position == no_slot) return;
        const Slot last = entries_.back();
        entries_.pop_back();
        if (last == index) return;
        place(last, position);
        sift_down(sift_up(position));
    }

    void clear() {
        for (const Slot index : entries_)
            access_.position(index) = no_slot;
        entries_.clear();
    }

  private:
    void place(Slot index, Slot position) {
        entries_[position] = index;
        access_.position(index) = position;
    }

    Slot sift_up(Slot position) {
        const Slot index = entries_[position];
        while (position > 0) {
            const Slot parent = (position - 1) / 2;
            if (!access_.less(index, entries_[parent])) break;
            place(entries_[parent], position);
            position = parent;
        }
        place(index, position);
        return position;
    }

    void sift_down(Slot position) {
        const Slot index = entries_[position];
        for (;;) {
            Slot child = 2 * position + 1;
            if (child >= entries_.size()) break;
            const Slot right = child + 1;
            if (right < entries_.size() && access_.less(entries_[right], entries_[child])) {
                child = right;
            }
            if (!access_.less(entries_[child], index)) break;
            place(entries_[child], position);
            position = child;
        }
        place(index, position);
    }

    Access access_;
    std::vector<Slot> entries_;
};

}  // namespace tranter::engine
