#include "engine/priority_line.hpp"

namespace tranter::engine {

void PriorityLine::insert(Slab& slab, Slot slot, Slot after, std::int64_t aging) {
    const Message& message = slab[slot];
    Line& lane = lane_for(message.priority);
    Slot next = after == no_slot ? lane.head() : Line::next(slab, after);
    while (next != no_slot && slab[next].place() <= message.place()) {
        after = next;
        next = Line::next(slab, next);
    }
    if (after == no_slot) {
        lane.push_front(slab, slot);
    } else {
        lane.insert_after(slab, after, slot);
    }
    if (lanes_) update(slab, aging);
}

void PriorityLine::remove_from_lane(Slab& slab, Slot slot, std::int64_t aging) {
    lanes_->lines[slab[slot].priority].remove(slab, slot);
    if (slot == lanes_->head || slab[slot].priority != priority_default) update(slab, aging);
}

/// Finds the head, and goes back to one lane when one is enough.
void PriorityLine::update(const Slab& slab, std::int64_t aging) {
    Slot head = no_slot;
    bool others = false;
    for (std::uint8_t priority = 0; priority <= priority_last; ++priority) {
        const Slot first = lanes_->lines[priority].head();
        if (first == no_slot) continue;
        others |= priority != priority_default;
        const bool before =
            head == no_slot || virtual_place(slab[first], aging) < virtual_place(slab[head], aging);
        if (before) head = first;
    }
    lanes_->head = head;
    if (others) return;
    line_ = lanes_->lines[priority_default];
    lanes_ = nullptr;
}

std::size_t PriorityLine::count(const Slab& slab) const {
    std::size_t messages = 0;
    const auto add = [&](const Line& line) {
        for (Slot slot = line.head(); slot != no_slot; slot = Line::next(slab, slot))
            ++messages;
    };
    add(line_);
    for (std::size_t i = 0; lanes_ && i < lanes_->lines.size(); ++i)
        add(lanes_->lines[i]);
    return messages;
}

bool PriorityLine::in_order(const Slab& slab, std::int64_t aging) const {
    bool right = true;
    bool others = false;
    const auto check = [&](const Line& line, std::uint8_t priority) {
        Slot before = no_slot;
        for (Slot slot = line.head(); slot != no_slot; slot = Line::next(slab, slot)) {
            const Message& message = slab[slot];
            right &= message.priority == priority && message.state == State::visible;
            right &= before == no_slot || slab[before].place() < message.place();
            right &= !(virtual_place(message, aging) < virtual_place(slab[head()], aging));
            others |= priority != priority_default;
            before = slot;
        }
    };
    check(line_, priority_default);
    for (std::uint8_t i = 0; lanes_ && i <= priority_last; ++i)
        check(lanes_->lines[i], i);
    return right && others == (lanes_ != nullptr);
}

}  // namespace tranter::engine
