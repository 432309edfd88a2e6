#pragma once

#include "schedule/store.hpp"
#include "sqlite/database.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// Rows of sqlite_schema.cpp. Reading throws DatabaseError of damage for what cannot be read.
namespace tranter::schedule {

inline std::int64_t micros(TimePoint when) {
    return when.time_since_epoch().count();
}
inline TimePoint time_point(std::int64_t micros) {
    return TimePoint(TimePoint::duration(micros));
}
void bind_time(sqlite::Statement& row, int parameter, const std::optional<TimePoint>& when);
std::optional<TimePoint> find_time(const sqlite::Statement& row, int column);

std::string options_column(const JobOptions& options);
std::string rules_column(const ScheduleRules& rules);
JobOptions read_options(const sqlite::Statement& row, int group_column);

// Of all columns, in the order of the tables, to which new ones are only ever added.
Schedule read_schedule(const sqlite::Statement& row);
SlotRun read_run(const sqlite::Statement& row);
ScheduledJob read_job(const sqlite::Statement& row);

}  // namespace tranter::schedule
