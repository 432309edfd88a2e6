#include "engine/timing_wheel.hpp"

#include <algorithm>
#include <bit>

namespace tranter::engine {

std::uint64_t TimingWheel::tick_of(Instant when) {
    const auto millis = unix_millis(when);
    return millis < 0 ? 0 : static_cast<std::uint64_t>(millis);
}

void TimingWheel::insert(Slab& slab, Slot slot) {
    Message& message = slab[slot];
    const std::uint64_t tick = std::max(tick_of(message.due()), tick_);
    const std::uint64_t differing = tick ^ tick_;
    unsigned level = 0;
    if (differing != 0) level = static_cast<unsigned>(std::bit_width(differing) - 1) / slot_bits;
    level = std::min(level, levels - 1);
    const auto index = static_cast<unsigned>((tick >> (level * slot_bits)) & (slots - 1));
    const unsigned place = level * slots + index;

    message.wheel_slot = static_cast<std::uint16_t>(place);
    message.timer = {.prev = no_slot, .next = heads_[place]};
    if (heads_[place] != no_slot) slab[heads_[place]].timer.prev = slot;
    heads_[place] = slot;
    occupied_[level] |= std::uint64_t{1} << index;
    occupied_levels_ |= 1U << level;
}

void TimingWheel::remove(Slab& slab, Slot slot) {
    Message& message = slab[slot];
    const Links links = message.timer;
    const unsigned place = message.wheel_slot;
    (links.prev == no_slot ? heads_[place] : slab[links.prev].timer.next) = links.next;
    if (links.next != no_slot) slab[links.next].timer.prev = links.prev;
    message.timer = {};
    if (heads_[place] != no_slot) return;
    const unsigned level = place / slots;
    occupied_[level] &= ~(std::uint64_t{1} << (place % slots));
    if (occupied_[level] == 0) occupied_levels_ &= ~(1U << level);
}

void TimingWheel::clear() {
    heads_.fill(no_slot);
    occupied_.fill(0);
    occupied_levels_ = 0;
}

std::optional<TimingWheel::Place> TimingWheel::first() const {
    if (occupied_levels_ == 0) return std::nullopt;
    // Everything on a level shares all higher digits with tick_, so the lowest level comes first.
    const auto level = static_cast<unsigned>(std::countr_zero(occupied_levels_));
    const auto index = static_cast<unsigned>(std::countr_zero(occupied_[level]));
    const unsigned shift = level * slot_bits;
    const std::uint64_t higher = (tick_ >> shift >> slot_bits) << slot_bits;
    return Place{.level = level, .slot = index, .start = (higher | index) << shift};
}

void TimingWheel::advance(Slab& slab, Instant now, std::vector<Slot>& fired) {
    const std::uint64_t target = tick_of(now);
    while (const auto place = first()) {
        if (place->start > target) break;
        tick_ = std::max(tick_, place->start);
        if (place->level > 0) {
            cascade(slab, *place);
            continue;
        }
        const std::size_t before = fired.size();
        fire(slab, *place, now, fired);
        const bool partly = (occupied_[0] >> place->slot & 1) != 0;
        std::sort(
            fired.begin() + static_cast<std::ptrdiff_t>(before),
            fired.end(),
            [&](Slot a, Slot b) {
                const Message& left = slab[a];
                const Message& right = slab[b];
                if (left.due_or_place != right.due_or_place) {
                    return left.due_or_place < right.due_or_place;
                }
                return left.sequence < right.sequence;
            }
        );
        if (partly) break;  // the rest of this tick lies after `now`
    }
    tick_ = std::max(tick_, target);
}

void TimingWheel::fire(Slab& slab, const Place& place, Instant now, std::vector<Slot>& fired) {
    Slot slot = heads_[place.slot];
    while (slot != no_slot) {
        const Slot next = slab[slot].timer.next;
        if (slab[slot].due() <= now) {
            remove(slab, slot);
            fired.push_back(slot);
        }
        slot = next;
    }
}

void TimingWheel::cascade(Slab& slab, const Place& place) {
    const unsigned index = place.level * slots + place.slot;
    Slot slot = heads_[index];
    heads_[index] = no_slot;
    occupied_[place.level] &= ~(std::uint64_t{1} << place.slot);
    if (occupied_[place.level] == 0) occupied_levels_ &= ~(1U << place.level);
    while (slot != no_slot) {
        const Slot next = slab[slot].timer.next;
        insert(slab, slot);
        slot = next;
    }
}

std::optional<Instant> TimingWheel::next_event(const Slab& slab) const {
    const auto place = first();
    if (!place) return std::nullopt;
    if (place->level > 0) return Instant(std::chrono::milliseconds(place->start));
    Instant earliest = Instant::max();
    for (Slot slot = heads_[place->slot]; slot != no_slot; slot = slab[slot].timer.next) {
        earliest = std::min(earliest, slab[slot].due());
    }
    return earliest;
}

}  // namespace tranter::engine
