#pragma once

#include "postgres/connection.hpp"
#include "schedule/store_parts.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// Rows of postgres_schema.cpp. Reading throws DatabaseError of damage for what cannot be read.
namespace tranter::schedule {

postgres::Parameter text_parameter(std::string_view text);
/// A text for people, of which what PostgreSQL cannot keep is escaped.
postgres::Parameter message_parameter(std::string_view text);
postgres::Parameter flag_parameter(bool flag);
template <class Number>
postgres::Parameter number_parameter(Number number) {
    return std::to_string(static_cast<std::int64_t>(number));
}
postgres::Parameter time_parameter(TimePoint when);
postgres::Parameter time_parameter(const std::optional<TimePoint>& when);

TimePoint read_time(const postgres::Rows& rows, std::size_t row, int column);
std::optional<TimePoint> find_time(const postgres::Rows& rows, std::size_t row, int column);

// Of all columns, in the order of the tables, to which new ones are only ever added.
Schedule read_schedule(const postgres::Rows& rows, std::size_t row);
SlotRun read_run(const postgres::Rows& rows, std::size_t row);
ScheduledJob read_job(const postgres::Rows& rows, std::size_t row);

/// Of the columns of a run that come before those of its job.
SlotRun read_run_without_job(const postgres::Rows& rows, std::size_t row);

std::vector<Schedule> read_schedules(const postgres::Rows& rows);
std::vector<SlotRun> read_runs(const postgres::Rows& rows);
std::vector<SlotRun> read_runs_without_jobs(const postgres::Rows& rows);
std::vector<ScheduledJob> read_jobs(const postgres::Rows& rows);

/// What a question with the parameters "now" and "held for longer than anybody holds" answers.
bool any_is_free(postgres::Connection& connection, const char* exists, TimePoint now);

/// Of the first three columns.
RunKey read_run_key(const postgres::Rows& rows, std::size_t row);

}  // namespace tranter::schedule
