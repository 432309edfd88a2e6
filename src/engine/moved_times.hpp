#pragma once

#include "base/time.hpp"
#include "engine/slab.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

namespace tranter::engine {

/// When the messages came here that are from other queues, and when they expire. What is sent here
/// is in order of its age; these are not. May hold entries of messages long gone, but at most about
/// twice as many as there are messages.
class MovedTimes {
  public:
    struct Expiry {
        Instant base{};  // of the age
        Slot slot = 0;
        Sequence sequence = 0;
        bool operator>(const Expiry& other) const {
            return base != other.base ? base > other.base : sequence > other.sequence;
        }
    };

    void add(Slot slot, Sequence sequence, Instant at) {
        ++messages_;
        const Arrival arrival{.sequence = sequence, .at = at, .slot = slot};
        if (arrivals_.empty() || arrivals_.back().sequence < sequence) {
            arrivals_.push_back(arrival);
        } else {
            insert(arrival);
        }
    }
    /// Only where messages expire at all.
    void watch(const Expiry& expiry) {
        expiries_.push_back(expiry);
        std::ranges::push_heap(expiries_, std::greater<>());
    }
    void unwatch_all() { expiries_ = {}; }
    /// One of them leaves, and may be in the slab still.
    void forget(const Slab& slab) {
        if (--messages_ == 0) {
            *this = {};
            return;
        }
        const auto is_gone = [&](const auto& entry) {
            return slab.find(entry.slot, entry.sequence) == nullptr;
        };
        while (!arrivals_.empty() && is_gone(arrivals_.front()))
            arrivals_.pop_front();
        if (arrivals_.size() > entries_max()) std::erase_if(arrivals_, is_gone);
        if (expiries_.size() <= entries_max()) return;
        std::erase_if(expiries_, is_gone);
        std::ranges::make_heap(expiries_, std::greater<>());
        if (expiries_.size() < expiries_.capacity() / 4) expiries_.shrink_to_fit();
    }

    /// When this message came, which is one of them.
    Instant at(Sequence sequence) const {
        return std::ranges::lower_bound(arrivals_, sequence, {}, &Arrival::sequence)->at;
    }
    /// Takes out the first whose age counts from then or before, of a message that may be gone.
    std::optional<Expiry> take(Instant oldest) {
        if (expiries_.empty() || expiries_.front().base > oldest) return std::nullopt;
        std::ranges::pop_heap(expiries_, std::greater<>());
        const Expiry expiry = expiries_.back();
        expiries_.pop_back();
        return expiry;
    }
    /// Not later than what the age of the next to expire counts from.
    std::optional<Instant> next() const {
        if (expiries_.empty()) return std::nullopt;
        return expiries_.front().base;
    }

    const std::vector<Expiry>& expiries() const { return expiries_; }
    std::size_t messages() const { return messages_; }
    std::size_t entries() const { return std::max(arrivals_.size(), expiries_.size()); }
    std::size_t entries_max() const { return 2 * messages_ + 64; }

  private:
    struct Arrival {
        Sequence sequence = 0;
        Instant at{};
        Slot slot = 0;
    };
    /// A message that was given back, of which there may be an entry.
    void insert(const Arrival& arrival) {
        const auto place =
            std::ranges::lower_bound(arrivals_, arrival.sequence, {}, &Arrival::sequence);
        if (place->sequence == arrival.sequence) {
            *place = arrival;
        } else {
            arrivals_.insert(place, arrival);
        }
    }

    std::deque<Arrival> arrivals_{};  // in order of sequence
    std::vector<Expiry> expiries_{};  // a heap, the earliest first
    std::size_t messages_ = 0;
};

}  // namespace tranter::engine
