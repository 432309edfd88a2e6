#pragma once

#include "base/error.hpp"
#include "schedule/store.hpp"

#include <tranter/job.hpp>
#include <tranter/schedule.hpp>

#include <optional>
#include <string>
#include <string_view>

/// Jobs for later, as people and programs make and move them.
namespace tranter::schedule {

/// `invalid_argument` for what no store of jobs takes as the name of a queue.
[[nodiscard]] Result<> check_job_queue(std::string_view queue);

/// `invalid_argument` for a delay that is longer than that of jobs may be.
[[nodiscard]] Result<TimePoint> time_after(TimePoint now, Milliseconds delay);

/// The row of a job that is due at `at`, whatever its delay and run_at say; an id is made when it
/// has none. Its payload is trusted to be JSON. `invalid_argument` names the field, its value and
/// what would be right.
[[nodiscard]] Result<ScheduledJob> job_for_later(
    std::string_view queue, NewJob job, TimePoint at, TimePoint now
);

/// As text: what a page of jobs for later ends with, and the next one begins after.
std::string place_text(const ScheduledJob& job);
/// From that, or from the id of a job in any spelling, whose place is looked up. Nothing for an
/// empty text. `not_found` for an id that is not known, `invalid_argument` for what is neither.
[[nodiscard]] Result<std::optional<JobPlace>> read_place(
    ScheduleStore& store, std::string_view text
);

/// Another time for a job that waits, whose id may have any spelling. `invalid_argument` when it
/// could not begin then, otherwise the errors of ScheduleStore::reschedule_job().
[[nodiscard]] Result<ScheduledJob> reschedule(
    ScheduleStore& store, std::string_view id, TimePoint at, TimePoint now
);

}  // namespace tranter::schedule
