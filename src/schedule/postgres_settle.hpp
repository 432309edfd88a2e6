#pragma once

#include "postgres/connection.hpp"
#include "schedule/store.hpp"

#include <span>

/// What becomes of runs and of jobs for later, inside a transaction. Throws DatabaseError.
namespace tranter::schedule {

/// See ScheduleStore::settle_runs().
void settle_runs_in(
    postgres::Connection& connection, std::span<const RunOutcome> outcomes, TimePoint now
);
/// Of different jobs.
void settle_jobs_in(
    postgres::Connection& connection, std::span<const JobOutcome> outcomes, TimePoint now
);

}  // namespace tranter::schedule
