#include "schedule/sqlite_rows.hpp"

#include <tranter/payload.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

namespace tranter::schedule {
namespace {

[[noreturn]] void damaged(std::string_view what, const Error& error) {
    throw sqlite::DatabaseError(SQLITE_CORRUPT, fmt::format("{}: {}", what, error.message()));
}

std::string text_of(const sqlite::Statement& row, int column) {
    return std::string(row.text(column));
}

std::uint64_t count_of(const sqlite::Statement& row, int column) {
    return static_cast<std::uint64_t>(row.integer(column));
}

ScheduleRules read_rules(const sqlite::Statement& row, int column) {
    auto rules = from_json<ScheduleRules>(row.text(column));
    if (!rules) damaged("rules of a schedule", rules.error());
    return *rules;
}

}  // namespace

void bind_time(sqlite::Statement& row, int parameter, const std::optional<TimePoint>& when) {
    if (when) {
        row.bind(parameter, micros(*when));
    } else {
        row.bind_null(parameter);
    }
}

std::optional<TimePoint> find_time(const sqlite::Statement& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return time_point(row.integer(column));
}

JobOptions read_options(const sqlite::Statement& row, int group_column) {
    auto options = options_of_column(row.text(group_column + 1), row.text(group_column));
    if (!options) damaged("options of a job", options.error());
    return std::move(*options);
}

Schedule read_schedule(const sqlite::Statement& row) {
    return {
        .definition =
            {.name = text_of(row, 0),
             .expression = text_of(row, 1),
             .timezone = text_of(row, 2),
             .queue = text_of(row, 3),
             .type = text_of(row, 4),
             .payload = text_of(row, 5),
             .options = read_options(row, 6),
             .rules = read_rules(row, 8)},
        .source = static_cast<ScheduleSource>(row.integer(9)),
        .paused = row.integer(10) == 0,
        .pause_reason = text_of(row, 11),
        .created_at = time_point(row.integer(12)),
        .updated_at = time_point(row.integer(13)),
        .next_slot = find_time(row, 14),
        .next_due = find_time(row, 15),
        .last_slot = find_time(row, 16),
        .last_job = text_of(row, 17),
        .last_error = text_of(row, 18),
        .runs = count_of(row, 19),
        .missed = count_of(row, 20),
        .skipped = count_of(row, 21),
        .version = count_of(row, 22)};
}

SlotRun read_run_without_job(const sqlite::Statement& row) {
    return {
        .key =
            {.schedule = text_of(row, 0),
             .slot = time_point(row.integer(1)),
             .manual = row.integer(2) != 0},
        .state = static_cast<RunState>(row.integer(3)),
        .job_id = text_of(row, 4),
        .created_at = time_point(row.integer(5)),
        .claimed_until = find_time(row, 6),
        .tries = static_cast<std::uint32_t>(row.integer(7)),
        .error = text_of(row, 8),
        .enqueued_at = find_time(row, 9)};
}

SlotRun read_run(const sqlite::Statement& row) {
    SlotRun run = read_run_without_job(row);
    run.queue = text_of(row, 10);
    run.type = text_of(row, 11);
    run.payload = text_of(row, 12);
    run.options = read_options(row, 13);
    return run;
}

ScheduledJob read_job(const sqlite::Statement& row) {
    return {
        .id = text_of(row, 0),
        .queue = text_of(row, 1),
        .type = text_of(row, 2),
        .payload = text_of(row, 3),
        .options = read_options(row, 4),
        .due = time_point(row.integer(6)),
        .state = static_cast<ScheduledState>(row.integer(7)),
        .tries = static_cast<std::uint32_t>(row.integer(10)),
        .error = text_of(row, 11),
        .created_at = time_point(row.integer(12))};
}

}  // namespace tranter::schedule
