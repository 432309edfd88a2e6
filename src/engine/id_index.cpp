#include "engine/id_index.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace tranter::engine {
namespace {

constexpr std::size_t table_min = 64;

/// Ids that clients choose need not be random, so all their bits count.
std::uint64_t hash_of(const MessageId& id) {
    std::uint64_t halves[2];
    std::memcpy(halves, id.data(), sizeof halves);
    std::uint64_t hash = halves[0] * 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 32;
    hash = (hash ^ halves[1]) * 0xD6E8FEB86659FD93ULL;
    hash ^= hash >> 32;
    hash *= 0xD6E8FEB86659FD93ULL;
    return hash ^ hash >> 32;
}

}  // namespace

void IdIndex::build(std::size_t messages) {
    const std::size_t size = std::bit_ceil(std::max(table_min, messages * 2));
    table_.assign(size, no_slot);
    used_ = 0;
    filled_ = 0;
}

void IdIndex::add(const Slab& slab, Slot slot) {
    // Never more than three quarters full, so that searches stay short.
    if ((filled_ + 1) * 4 > table_.size() * 3) rehash(slab, used_ + 1);
    place(slab[slot].payload.id(), slot);
    ++used_;
}

void IdIndex::remove(const Slab& slab, Slot slot) {
    std::size_t at = start_of(slab[slot].payload.id());
    while (table_[at] != slot) {
        if (table_[at] == no_slot) return;  // it was never added
        at = (at + 1) & (table_.size() - 1);
    }
    table_[at] = removed;
    --used_;
}

Slot IdIndex::find(const Slab& slab, const MessageId& id) const {
    Slot found = no_slot;
    for (std::size_t at = start_of(id); table_[at] != no_slot;
         at = (at + 1) & (table_.size() - 1)) {
        const Slot slot = table_[at];
        if (slot == removed || slab[slot].payload.id() != id) continue;
        if (found == no_slot || slab[found].sequence < slab[slot].sequence) found = slot;
    }
    return found;
}

void IdIndex::clear() {
    if (built()) build(0);
}

std::size_t IdIndex::start_of(const MessageId& id) const {
    return hash_of(id) & (table_.size() - 1);
}

void IdIndex::place(const MessageId& id, Slot slot) {
    std::size_t at = start_of(id);
    while (table_[at] != no_slot && table_[at] != removed)
        at = (at + 1) & (table_.size() - 1);
    if (table_[at] == no_slot) ++filled_;
    table_[at] = slot;
}

void IdIndex::rehash(const Slab& slab, std::size_t messages) {
    const std::vector<Slot> old = std::exchange(table_, {});
    build(messages);
    for (const Slot slot : old) {
        if (slot == no_slot || slot == removed) continue;
        place(slab[slot].payload.id(), slot);
        ++used_;
    }
}

}  // namespace tranter::engine
