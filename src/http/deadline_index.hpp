#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace tranter::http {

using TimePoint = std::chrono::steady_clock::time_point;

/// An object with one deadline in a DeadlineIndex.
class Timed {
  public:
    virtual ~Timed() = default;
    virtual void on_deadline_passed() = 0;

  protected:
    Timed() = default;

  private:
    friend class DeadlineIndex;
    static constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

    TimePoint due_ = TimePoint::max();
    std::uint32_t slot_ = nowhere;
};

/// One ordered index of the deadlines of all connections of a thread: a binary heap that knows
/// where each object sits. Moving a deadline later, as every request does, only writes the new
/// time: the heap keeps the earlier one and looks again when that has come.
class DeadlineIndex {
  public:
    void arm(Timed& timed, TimePoint due);
    /// Forgets it without touching the heap.
    void disarm(Timed& timed) { timed.due_ = TimePoint::max(); }
    /// Must be called before the object goes away.
    void remove(Timed& timed);

    /// Something whose deadline has passed, disarmed; nullptr when there is none (left).
    Timed* pop_due(TimePoint now);
    /// When to look again, at the latest; max() for never.
    TimePoint next() const { return heap_.empty() ? TimePoint::max() : heap_.front().when; }
    std::size_t size() const { return heap_.size(); }

  private:
    struct Entry {
        TimePoint when;  // not later than timed->due_
        Timed* timed;
    };

    void place(std::size_t slot, Entry entry);
    void sift_up(std::size_t slot);
    void sift_down(std::size_t slot);

    std::vector<Entry> heap_;
};

}  // namespace tranter::http
