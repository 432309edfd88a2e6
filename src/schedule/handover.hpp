#pragma once

#include "base/error.hpp"
#include "schedule/joint_work.hpp"

#include <tranter/provider.hpp>

#include <cstddef>
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
    bool written = false;       // in the store of schedules too
    Result<Enqueued> answer{};  // of what was begun
};

/// Enqueues those at these places, which are of one queue, and writes that down: see JointWork.
using EnqueueJointly = std::function<
    Result<JointWork::Answers>(const std::string& queue, std::span<const std::size_t> places)>;

/// Enqueues all, in as few calls as the provider allows; one answer for each. When a call is
/// refused for what it holds, its jobs are enqueued one by one, so that one bad job costs itself
/// alone. A clock that is set back meanwhile ends the time of all.
///
/// With `jointly` that is called instead of the provider, unless the user of the database may not
/// do so. What somebody else holds by then is `written` and not begun.
std::vector<HandedOver> hand_over(
    Provider& provider,
    std::span<const Parcel> parcels,
    const std::function<TimePoint()>& now,
    EnqueueJointly jointly = {}
);

}  // namespace tranter::schedule
