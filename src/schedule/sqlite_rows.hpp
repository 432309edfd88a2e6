#pragma once

#include "schedule/store_parts.hpp"
#include "sqlite/database.hpp"

#include <optional>
#include <vector>

/// Rows of sqlite_schema.cpp. Reading throws DatabaseError of damage for what cannot be read.
namespace tranter::schedule {

void bind_time(sqlite::Statement& row, int parameter, const std::optional<TimePoint>& when);
std::optional<TimePoint> find_time(const sqlite::Statement& row, int column);

JobOptions read_options(const sqlite::Statement& row, int group_column);

// Of all columns, in the order of the tables, to which new ones are only ever added.
Schedule read_schedule(const sqlite::Statement& row);
SlotRun read_run(const sqlite::Statement& row);
ScheduledJob read_job(const sqlite::Statement& row);

/// Of the columns of a run that come before those of its job.
SlotRun read_run_without_job(const sqlite::Statement& row);

/// Those that are left, each as `read` makes it.
template <class T>
std::vector<T> all_rows(sqlite::Statement& rows, T (*read)(const sqlite::Statement& row)) {
    std::vector<T> out;
    while (rows.step())
        out.push_back(read(rows));
    return out;
}

}  // namespace tranter::schedule
