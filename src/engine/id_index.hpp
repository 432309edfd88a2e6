#pragma once

#include "engine/payload.hpp"
#include "engine/slab.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tranter::engine {

/// Finds messages by id: an open-addressing table of slots whose keys stay in the slab, five to
/// eleven bytes a message. Off until it is built.
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
    static constexpr Slot removed = no_slot - 1;

    std::size_t start_of(const MessageId& id) const;
    void place(const MessageId& id, Slot slot);
    void rehash(const Slab& slab, std::size_t messages);

    std::vector<Slot> table_;  // a power of two; no_slot: never used
    std::size_t used_ = 0;
    std::size_t filled_ = 0;  // used or removed
};

}  // namespace tranter::engine
