#pragma once

#include "supervise/instance.hpp"

#include <algorithm>
#include <cstdint>
#include <map>

/// For the parts of Fleet.
namespace tranter::supervise {

using InstancesByNumber = std::map<std::uint32_t, Instance>;

inline std::uint32_t lowest_free(const InstancesByNumber& instances, std::uint32_t from) {
    while (instances.contains(from))
        ++from;
    return from;
}

/// Runs, or will.
inline bool stays(const Instance& instance) {
    return !instance.is_leaving() && !instance.is_at_rest();
}

/// Those that are not about to end for good.
inline std::uint32_t count_staying(const InstancesByNumber& instances) {
    return static_cast<std::uint32_t>(std::ranges::count_if(instances, [](const auto& one) {
        return !one.second.is_leaving();
    }));
}

}  // namespace tranter::supervise
