#pragma once

#include <functional>
#include <set>
#include <span>
#include <vector>

namespace tranter::schedule {

/// `items` in order, cut so that no key is in a part twice: one statement sees a row once.
template <class Item, class Key>
std::vector<std::span<const Item>> waves_of(std::span<const Item> items, Key Item::*key_of) {
    std::vector<std::span<const Item>> out;
    std::set<Key> seen;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (seen.insert(std::invoke(key_of, items[i])).second) continue;
        out.push_back(items.subspan(begin, i - begin));
        begin = i;
        seen = {std::invoke(key_of, items[i])};
    }
    if (begin < items.size()) out.push_back(items.subspan(begin));
    return out;
}

}  // namespace tranter::schedule
