#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tranter {

/// How often a job is tried and how long it rests in between: nothing but numbers, so that whoever
/// stores jobs comes to the same answer.
///
/// The rest after attempt n is base * factor^(n-1), at most `max`, and then up to the share
/// `jitter` of it is taken off at random, so that jobs which failed together do not come back
/// together. No rest is ever longer than `max`. A factor of 1 is a fixed rest.
struct RetryPolicy {
    std::uint32_t max_attempts = 25;  // with the first one
    std::chrono::milliseconds base = std::chrono::seconds(2);
    double factor = 2;
    std::chrono::milliseconds max = std::chrono::hours(1);
    double jitter = 0.25;

    bool operator==(const RetryPolicy&) const = default;

    /// What contradicts itself, as a sentence; empty when nothing does.
    constexpr std::string_view problem() const {
        if (max_attempts == 0) return "retry.max_attempts is 0, a job needs at least 1";
        if (base.count() < 0) return "retry.base is below zero";
        if (!(factor >= 1)) return "retry.factor is below 1, so each rest would be shorter";
        if (max < base) return "retry.max is below retry.base";
        if (!(jitter >= 0 && jitter <= 1)) return "retry.jitter is not between 0 and 1";
        return {};
    }

    /// The rest after attempt `attempt` (from 1) failed; nothing when that was the last. `random`
    /// is 64 random bits. The policy has no problem().
    std::optional<std::chrono::milliseconds> next_delay(std::uint32_t attempt, std::uint64_t random)
        const;
};

}  // namespace tranter
