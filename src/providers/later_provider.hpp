#pragma once

#include "base/error.hpp"

#include <tranter/provider.hpp>

#include <memory>
#include <string_view>

namespace tranter::schedule {
class ScheduleStore;
}

namespace tranter::providers {

/// Jobs of a store that cannot delay them for long, and a store of schedules in which those that
/// are due later than that wait until whoever works on it (`tranter timers`, a Scheduler) enqueues
/// them: never early, at least once, and always under their id. Everything else is the store's.
///
/// A job that waits there can be found, cancelled, promoted and, as `state:scheduled`, listed. An
/// id that is known there is a duplicate. Its TTL counts from its enqueue here, as a deadline; what
/// the store itself would refuse (its size, its group) is seen when it is handed over, and then
/// stands with the job, which is `dead`.
///
/// Of one call the jobs that wait are added after the others were enqueued.
std::shared_ptr<Provider> keep_later_jobs(
    std::shared_ptr<Provider> jobs, std::shared_ptr<schedule::ScheduleStore> store
);

/// The same with the store of that URL, unless `jobs` can delay for any time. `invalid_argument`
/// for a URL that is none and for `memory:`, which nobody else could look into; `unavailable`.
[[nodiscard]] Result<std::shared_ptr<Provider>> keep_later_jobs(
    std::shared_ptr<Provider> jobs, std::string_view store_url
);

}  // namespace tranter::providers
