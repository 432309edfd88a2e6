#pragma once

#include "engine/payload.hpp"
#include "engine/slab.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tranter::engine {

/// Finds messages by id: an open-addressing table of slots, whose keys stay in the slab, and of
/// half their hashes, so that most of what it passes need not be looked at. 11 to 21 bytes a
/// message. Off until it is built.
class IdIndex {
  public:
    bool built() const { return !table_.empty(); }
    /// With room for so many messages. The caller adds those that are there.
    void build(std::size_t messages);
    void add(const Slab& slab, Slot slot);
    /// The message is still in its slot.
    void remove(const Slab& slab, Slot slot);
    /// The newest with this id; no_slot when there is none.
    Slot find(const Slab& slab, const MessageId& id) const;
    /// No messages; stays on.
    void clear();
    std::size_t size() const { return used_; }

  private:
    struct Entry {
        Slot slot = no_slot;
        std::uint32_t hash = 0;
    };

    std::size_t home_of(std::uint32_t hash) const { return hash & (table_.size() - 1); }
    std::size_t after(std::size_t at) const { return (at + 1) & (table_.size() - 1); }
    void place(const Entry& entry);

    std::vector<Entry> table_;  // a power of two
    std::size_t used_ = 0;
};

}  // namespace tranter::engine
