#include "engine/unique_keys.hpp"

#include <utility>

namespace tranter::engine {

void UniqueKeys::add(Slot slot) {
    Extras& added = extras_[slot];
    added.newer = no_slot;
    added.older = no_slot;
    const std::string_view key = added.traits.unique_key;
    const std::uint32_t yielding = added.yields ? 1 : 0;
    // The table's key must live as long as the newest message.
    auto node = keys_.extract(key);
    if (node.empty()) {
        keys_.emplace(key, Key{.newest = slot, .yielding = yielding});
        return;
    }
    added.older = node.mapped().newest;
    extras_[added.older].newer = slot;
    node.key() = key;
    node.mapped().newest = slot;
    node.mapped().yielding += yielding;
    keys_.insert(std::move(node));
}

void UniqueKeys::remove(Slot slot) {
    Extras& removed = extras_[slot];
    if (removed.yields) --keys_.find(removed.traits.unique_key)->second.yielding;
    if (removed.older != no_slot) extras_[removed.older].newer = removed.newer;
    if (removed.newer != no_slot) {
        extras_[removed.newer].older = removed.older;
    } else {
        auto node = keys_.extract(removed.traits.unique_key);
        if (removed.older != no_slot) {
            node.key() = extras_[removed.older].traits.unique_key;
            node.mapped().newest = removed.older;
            keys_.insert(std::move(node));
        }
    }
    removed.newer = no_slot;
    removed.older = no_slot;
}

UniqueKeys::Key* UniqueKeys::find(std::string_view key) {
    const auto found = keys_.find(key);
    return found == keys_.end() ? nullptr : &found->second;
}

const UniqueKeys::Key* UniqueKeys::find(std::string_view key) const {
    return const_cast<UniqueKeys*>(this)->find(key);
}

Slot UniqueKeys::newest(std::string_view key) const {
    const Key* found = find(key);
    return found == nullptr ? no_slot : found->newest;
}

const UniqueKeys::Throttle* UniqueKeys::find_throttle(std::string_view key) const {
    const auto found = throttles_.find(key);
    return found == throttles_.end() ? nullptr : &found->second;
}

void UniqueKeys::add_throttle(std::string key, const Throttle& throttle) {
    const auto [place, added] = throttles_.emplace(std::move(key), throttle);
    if (!added) return;
    endings_.push({.at = later(throttle.at, throttle.lasts), .key = place->first});
    key_bytes_ += place->first.size();
}

void UniqueKeys::expire(Instant now) {
    while (!endings_.empty() && endings_.top().at <= now) {
        const std::string_view key = endings_.top().key;
        endings_.pop();
        key_bytes_ -= key.size();
        throttles_.erase(throttles_.find(key));
    }
}

std::optional<Instant> UniqueKeys::next_expiry() const {
    if (endings_.empty()) return std::nullopt;
    return endings_.top().at;
}

void UniqueKeys::append_to(std::vector<StoredDeduplication>& all) const {
    all.reserve(all.size() + throttles_.size());
    for (const auto& [key, throttle] : throttles_) {
        all.push_back(
            {.key = key,
             .id = throttle.first.id,
             .sequence = throttle.first.sequence,
             .slot = throttle.first.slot,
             .at = throttle.at,
             .unique_for = throttle.lasts}
        );
    }
}

void UniqueKeys::clear() {
    keys_.clear();
    endings_ = {};
    throttles_.clear();
    key_bytes_ = 0;
}

}  // namespace tranter::engine
