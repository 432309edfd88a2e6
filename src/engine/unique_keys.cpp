#include "engine/unique_keys.hpp"

#include <utility>

namespace tranter::engine {

void UniqueKeys::add(Slot slot) {
    Extras& added = extras_[slot];
    added.newer = no_slot;
    added.older = no_slot;
    const std::string_view key = added.traits.unique_key;
    // The table's key must live as long as the newest message.
    auto node = newest_.extract(key);
    if (node.empty()) {
        newest_.emplace(key, slot);
        return;
    }
    added.older = node.mapped();
    extras_[added.older].newer = slot;
    node.key() = key;
    node.mapped() = slot;
    newest_.insert(std::move(node));
}

void UniqueKeys::remove(Slot slot) {
    Extras& removed = extras_[slot];
    if (removed.older != no_slot) extras_[removed.older].newer = removed.newer;
    if (removed.newer != no_slot) {
        extras_[removed.newer].older = removed.older;
    } else {
        auto node = newest_.extract(removed.traits.unique_key);
        if (removed.older != no_slot) {
            node.key() = extras_[removed.older].traits.unique_key;
            node.mapped() = removed.older;
            newest_.insert(std::move(node));
        }
    }
    removed.newer = no_slot;
    removed.older = no_slot;
}

Slot UniqueKeys::newest(std::string_view key) const {
    const auto found = newest_.find(key);
    return found == newest_.end() ? no_slot : found->second;
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
    newest_.clear();
    endings_ = {};
    throttles_.clear();
    key_bytes_ = 0;
}

}  // namespace tranter::engine
