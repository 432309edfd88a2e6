#pragma once

#include "base/time.hpp"
#include "engine/slab.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace tranter::engine {

/// When messages end that are not begun by then. A heap that may hold entries of messages long
/// gone, but at most about twice as many as there are messages with a deadline.
class Deadlines {
  public:
    struct Entry {
        Instant at{};
        Slot slot = 0;
        Sequence sequence = 0;
        bool operator>(const Entry& other) const {
            return at != other.at ? at > other.at : sequence > other.sequence;
        }
    };

    bool empty() const { return heap_.empty(); }

    void add(const Slab& slab, const Entry& entry) {
        ++messages_;
        heap_.push_back(entry);
        std::ranges::push_heap(heap_, std::greater<>());
        constexpr std::size_t slack = 64;
        if (heap_.size() <= 2 * messages_ + slack) return;
        std::erase_if(heap_, [&](const Entry& old) {
            return slab.find(old.slot, old.sequence) == nullptr;
        });
        std::ranges::make_heap(heap_, std::greater<>());
    }
    /// A message that had a deadline is gone. Its entry may stay for a while.
    void forget() { --messages_; }

    /// Takes out the first that is due by then, of a message that may be gone.
    std::optional<Entry> take(Instant now) {
        if (heap_.empty() || heap_.front().at > now) return std::nullopt;
        std::ranges::pop_heap(heap_, std::greater<>());
        const Entry entry = heap_.back();
        heap_.pop_back();
        return entry;
    }
    /// Not later than the first deadline.
    std::optional<Instant> next() const {
        if (heap_.empty()) return std::nullopt;
        return heap_.front().at;
    }

    const std::vector<Entry>& entries() const { return heap_; }
    std::size_t messages() const { return messages_; }

  private:
    std::vector<Entry> heap_;
    std::size_t messages_ = 0;  // that have a deadline
};

}  // namespace tranter::engine
