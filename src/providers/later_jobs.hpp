#pragma once

#include "base/error.hpp"

#include <tranter/job.hpp>
#include <tranter/provider.hpp>
#include <tranter/schedule.hpp>

#include <string_view>

/// Jobs that wait in a store of schedules, as jobs of a provider.
namespace tranter::providers {

JobRecord record_of_later(const ScheduledJob& job);

/// A job as the store of schedules keeps it until `provider` takes it. `invalid_argument` and
/// `unsupported` for what would be refused at its time.
[[nodiscard]] Result<ScheduledJob> job_to_keep(
    const Provider& provider, std::string_view queue, NewJob job, TimePoint now
);

}  // namespace tranter::providers
