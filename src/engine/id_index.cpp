#include "engine/id_index.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace tranter::engine {
namespace {

constexpr std::size_t table_min = 64;

/// Ids that clients choose need not be random, so all their bits count.
std::uint32_t hash_of(const MessageId& id) {
    std::uint64_t halves[2];
    std::memcpy(halves, id.data(), sizeof halves);
    std::uint64_t hash = halves[0] * 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 32;
    hash = (hash ^ halves[1]) * 0xD6E8FEB86659FD93ULL;
    hash ^= hash >> 32;
    hash *= 0xD6E8FEB86659FD93ULL;
    return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace

void IdIndex::build(std::size_t messages) {
    table_.assign(std::bit_ceil(std::max(table_min, messages * 2)), Entry{});
    used_ = 0;
}

void IdIndex::add(const Slab& slab, Slot slot) {
    // Never more than three quarters full, so that searches stay short.
    if ((used_ + 1) * 4 > table_.size() * 3) {
        const std::vector<Entry> old = std::exchange(table_, {});
        build(used_ + 1);
        for (const Entry& entry : old) {
            if (entry.slot != no_slot) place(entry);
        }
    }
    place({.slot = slot, .hash = hash_of(slab[slot].payload.id())});
}

void IdIndex::remove(const Slab& slab, Slot slot) {
    std::size_t hole = home_of(hash_of(slab[slot].payload.id()));
    while (table_[hole].slot != slot) {
        if (table_[hole].slot == no_slot) return;  // it was never added
        hole = after(hole);
    }
    --used_;
    // What follows moves up when the hole lies on its way from home, so that no search ends early.
    for (std::size_t at = after(hole); table_[at].slot != no_slot; at = after(at)) {
        const std::size_t mask = table_.size() - 1;
        const std::size_t from_home = (at - home_of(table_[at].hash)) & mask;
        if (from_home < ((at - hole) & mask)) continue;
        table_[hole] = table_[at];
        hole = at;
    }
    table_[hole] = {};
}

Slot IdIndex::find(const Slab& slab, const MessageId& id) const {
    const std::uint32_t hash = hash_of(id);
    Slot found = no_slot;
    for (std::size_t at = home_of(hash); table_[at].slot != no_slot; at = after(at)) {
        const Slot slot = table_[at].slot;
        if (table_[at].hash != hash || slab[slot].payload.id() != id) continue;
        if (found == no_slot || slab[found].sequence < slab[slot].sequence) found = slot;
    }
    return found;
}

void IdIndex::clear() {
    if (built()) build(0);
}

void IdIndex::place(const Entry& entry) {
    std::size_t at = home_of(entry.hash);
    while (table_[at].slot != no_slot)
        at = after(at);
    table_[at] = entry;
    ++used_;
}

}  // namespace tranter::engine
