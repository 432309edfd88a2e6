#pragma once

#include "base/error.hpp"

#include <tranter/provider.hpp>

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace tranter::schedule {

/// A job for a queue.
struct Parcel {
    std::string queue{};
    NewJob job{};
    /// No call with it begins then or later: whoever takes it over must not meet ours.
    TimePoint begin_before = TimePoint::max();
};

struct HandedOver {
    bool begun = false;         // false: its time was over before its turn came
    Result<Enqueued> answer{};  // of what was begun
};

/// Enqueues all, in as few calls as the provider allows; one answer for each. When a call is
/// refused for what it holds, its jobs are enqueued one by one, so that one bad job costs itself
/// alone. A clock that is set back meanwhile ends the time of all.
std::vector<HandedOver> hand_over(
    Provider& provider, std::span<const Parcel> parcels, const std::function<TimePoint()>& now
);

}  // namespace tranter::schedule
