#pragma once

#include "base/time.hpp"
#include "engine/message.hpp"
#include "engine/types.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>

namespace tranter::engine {

/// What only some messages have.
struct Extras {
    Traits traits{};  // the priority is the message's own
    std::string note{};
    Instant unique_since{};  // first send of what it replaced, or its own
    /// keep_latest: it does not begin while a message with its key is in flight. A dead letter may
    /// be looked at.
    bool yields = false;
    // Neighbours among the messages with its unique key, see UniqueKeys.
    Slot newer = no_slot;
    Slot older = no_slot;
};

/// The extras of the messages that have any, by slot. References stay valid until they are erased.
class ExtrasTable {
  public:
    Extras& operator[](Slot slot) { return extras_[slot]; }  // made when there are none
    const Extras& at(Slot slot) const { return extras_.at(slot); }
    void erase(Slot slot) { extras_.erase(slot); }
    void clear() { extras_.clear(); }
    std::size_t size() const { return extras_.size(); }

  private:
    std::unordered_map<Slot, Extras> extras_;
};

}  // namespace tranter::engine
