#pragma once

#include "schedule/store.hpp"

#include <chrono>
#include <string>
#include <string_view>

/// What the stores have in common.
namespace tranter::schedule {

inline std::int64_t micros(TimePoint when) {
    return when.time_since_epoch().count();
}
inline TimePoint time_point(std::int64_t micros) {
    return TimePoint(TimePoint::duration(micros));
}

/// Columns with JSON in them.
std::string options_column(const JobOptions& options);
std::string rules_column(const ScheduleRules& rules);
/// The group has a column of its own.
Result<JobOptions> options_of_column(std::string_view text, std::string_view group);

/// The row of a slot of a schedule, as it is inserted at `now`, without what is needed to enqueue
/// its job.
SlotRun run_to_record(
    const Schedule& schedule, const NewRun& wanted, TimePoint now, TimePoint claimed_until
);
/// Adds that, which a skipped run does not have.
void add_job_of_run(SlotRun& run, const ScheduleDefinition& definition);

/// Nobody holds anything for as long: the clock was set back, and who held it may be gone.
inline constexpr std::chrono::minutes hold_max(10);

/// Why a run is skipped that waits while its schedule goes.
inline constexpr std::string_view schedule_is_gone = "the schedule was removed";

/// `corrupted` when a newer program has changed the tables since they were opened.
Result<> check_schema_version(std::size_t found, std::size_t known);

std::unexpected<Error> no_schedule(std::string_view name);
std::unexpected<Error> schedule_exists(std::string_view name);
std::unexpected<Error> other_version(const Schedule& wanted, std::uint64_t found);
std::unexpected<Error> no_job(std::string_view id);
std::unexpected<Error> job_exists(std::string_view id);
std::unexpected<Error> job_has_ended(std::string_view id);
std::unexpected<Error> job_is_held(std::string_view id);

}  // namespace tranter::schedule
