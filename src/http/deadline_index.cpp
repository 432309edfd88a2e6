#include "http/deadline_index.hpp"

namespace tranter::http {

void DeadlineIndex::arm(Timed& timed, TimePoint due) {
    timed.due_ = due;
    if (timed.slot_ == Timed::nowhere) {
        heap_.push_back({due, &timed});
        timed.slot_ = static_cast<std::uint32_t>(heap_.size() - 1);
        sift_up(timed.slot_);
    } else if (due < heap_[timed.slot_].when) {
        heap_[timed.slot_].when = due;
        sift_up(timed.slot_);
    }
}

void DeadlineIndex::remove(Timed& timed) {
    const std::size_t slot = timed.slot_;
    timed.due_ = TimePoint::max();
    if (slot == Timed::nowhere) return;
    timed.slot_ = Timed::nowhere;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (slot == heap_.size()) return;
    place(slot, last);
    sift_up(slot);
    sift_down(last.timed->slot_);
}

Timed* DeadlineIndex::pop_due(TimePoint now) {
    while (!heap_.empty() && heap_.front().when <= now) {
        Timed& timed = *heap_.front().timed;
        const TimePoint due = timed.due_;
        if (due <= now || due == TimePoint::max()) {
            remove(timed);
            if (due <= now) return &timed;
        } else {
            heap_.front().when = due;
            sift_down(0);
        }
    }
    return nullptr;
}

void DeadlineIndex::place(std::size_t slot, Entry entry) {
    heap_[slot] = entry;
    entry.timed->slot_ = static_cast<std::uint32_t>(slot);
}

void DeadlineIndex::sift_up(std::size_t slot) {
    const Entry entry = heap_[slot];
    while (slot > 0) {
        const std::size_t parent = (slot - 1) / 2;
        if (heap_[parent].when <= entry.when) break;
        place(slot, heap_[parent]);
        slot = parent;
    }
    place(slot, entry);
}

void DeadlineIndex::sift_down(std::size_t slot) {
    const Entry entry = heap_[slot];
    for (;;) {
        std::size_t child = 2 * slot + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && heap_[child + 1].when < heap_[child].when) ++child;
        if (heap_[child].when >= entry.when) break;
        place(slot, heap_[child]);
        slot = child;
    }
    place(slot, entry);
}

}  // namespace tranter::http
