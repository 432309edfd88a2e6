#include "engine/groups.hpp"

namespace tranter::engine {

Slot GroupTable::find(std::string_view key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? no_slot : found->second;
}

Slot GroupTable::find_or_create(std::string_view key) {
    if (const Slot found = find(key); found != no_slot) return found;
    Slot index = 0;
    if (free_.empty()) {
        index = static_cast<Slot>(groups_.size());
        groups_.emplace_back();
    } else {
        index = free_.front();
        free_.pop_front();
    }
    groups_[index].key = key;
    key_bytes_ += key.size();
    by_key_.emplace(groups_[index].key, index);
    return index;
}

void GroupTable::release(Slot index) {
    key_bytes_ -= groups_[index].key.size();
    by_key_.erase(groups_[index].key);
    groups_[index] = {};
    free_.push_back(index);
    if (by_key_.empty()) clear();
}

void GroupTable::clear() {
    by_key_.clear();
    groups_.clear();
    free_.clear();
    key_bytes_ = 0;
}

void GroupRing::push_back(GroupTable& groups, Slot index) {
    Group& group = groups[index];
    if (group.in_ring) return;
    group.in_ring = true;
    group.ring = {.prev = tail_, .next = no_slot};
    (tail_ == no_slot ? head_ : groups[tail_].ring.next) = index;
    tail_ = index;
    ++size_;
}

void GroupRing::remove(GroupTable& groups, Slot index) {
    Group& group = groups[index];
    if (!group.in_ring) return;
    const Links links = group.ring;
    (links.prev == no_slot ? head_ : groups[links.prev].ring.next) = links.next;
    (links.next == no_slot ? tail_ : groups[links.next].ring.prev) = links.prev;
    group.ring = {};
    group.in_ring = false;
    --size_;
}

}  // namespace tranter::engine
