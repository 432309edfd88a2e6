#include "engine/deduplication.hpp"

#include <utility>

namespace tranter::engine {

std::string Deduplication::key(std::string_view group, std::string_view id) {
    std::string key;
    key.reserve(group.size() + 1 + id.size());
    key += group;
    key += '\0';  // neither id may contain it, so keys of different groups never meet
    key += id;
    return key;
}

const Deduplication::Entry* Deduplication::find(std::string_view key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
}

void Deduplication::insert(std::string key, const Entry& entry, Instant now) {
    const auto [place, added] = entries_.emplace(std::move(key), entry);
    if (!added) return;
    order_.push_back({.at = now, .key = place->first});
    key_bytes_ += place->first.size();
}

void Deduplication::expire(Duration window, Instant now) {
    while (!order_.empty() && order_.front().at + window <= now) {
        key_bytes_ -= order_.front().key.size();
        entries_.erase(entries_.find(order_.front().key));
        order_.pop_front();
    }
}

std::optional<Instant> Deduplication::oldest() const {
    if (order_.empty()) return std::nullopt;
    return order_.front().at;
}

std::vector<StoredDeduplication> Deduplication::stored() const {
    std::vector<StoredDeduplication> all;
    all.reserve(order_.size());
    for (const Accepted& accepted : order_) {
        const Entry& entry = *find(accepted.key);
        all.push_back(
            {.key = std::string(accepted.key),
             .id = entry.id,
             .sequence = entry.sequence,
             .slot = entry.slot,
             .at = accepted.at}
        );
    }
    return all;
}

void Deduplication::clear() {
    order_.clear();
    entries_.clear();
    key_bytes_ = 0;
}

}  // namespace tranter::engine
