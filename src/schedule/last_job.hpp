#pragma once

#include "schedule/decision.hpp"
#include "schedule/store.hpp"

#include <tranter/provider.hpp>

/// What is known of the earlier slots of a schedule and their jobs. Errors are those of the store
/// of schedules, and of the provider when it cannot say what became of a job.
namespace tranter::schedule {

/// Slots, and the job of the last one; runs that were asked for by hand do not count.
[[nodiscard]] Result<Standing> standing_of(
    ScheduleStore& store, Provider& provider, const Schedule& schedule
);

/// For IntervalAnchor::after_completion. A job that nobody knows any more has finished.
[[nodiscard]] Result<LastJobEnd> last_end_of(
    ScheduleStore& store, Provider& provider, const Schedule& schedule
);

}  // namespace tranter::schedule
