#pragma once

#include "base/error.hpp"

#include <tranter/provider.hpp>

#include <span>
#include <string>
#include <vector>

namespace tranter::schedule {

/// A job for a queue.
struct Parcel {
    std::string queue{};
    NewJob job{};
};

/// Enqueues all, in as few calls as the provider allows; one answer for each. When a call is
/// refused for what it holds, its jobs are enqueued one by one, so that one bad job costs itself
/// alone.
std::vector<Result<Enqueued>> hand_over(Provider& provider, std::span<const Parcel> parcels);

}  // namespace tranter::schedule
