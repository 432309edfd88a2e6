#include "schedule/postgres_rows.hpp"

#include "base/log_text.hpp"
#include "jobs/time_text.hpp"

#include <tranter/payload.hpp>

#include <fmt/format.h>

#include <array>
#include <string>

namespace tranter::schedule {
namespace {

using postgres::DatabaseError;
using postgres::Rows;
using postgres::Trouble;

constexpr TimeUnit microseconds_unit{1, 1'000'000};

[[noreturn]] void unreadable(std::string_view what, const Error& error) {
    throw DatabaseError(Trouble::damage, fmt::format("{}: {}", what, error.message()));
}

std::string text_at(const Rows& rows, std::size_t row, int column) {
    return std::string(rows.text(row, column));
}

std::uint64_t count_at(const Rows& rows, std::size_t row, int column) {
    return static_cast<std::uint64_t>(rows.integer(row, column));
}

JobOptions options_at(const Rows& rows, std::size_t row, int group_column) {
    auto options =
        options_of_column(rows.text(row, group_column + 1), rows.text(row, group_column));
    if (!options) unreadable("options of a job", options.error());
    return std::move(*options);
}

ScheduleRules rules_at(const Rows& rows, std::size_t row, int column) {
    auto rules = from_json<ScheduleRules>(rows.text(row, column));
    if (!rules) unreadable("rules of a schedule", rules.error());
    return *rules;
}

template <class Read>
auto all_of(const Rows& rows, Read read) {
    std::vector<decltype(read(rows, 0))> out;
    out.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row)
        out.push_back(read(rows, row));
    return out;
}

}  // namespace

postgres::Parameter text_parameter(std::string_view text) {
    return std::string(text);
}

postgres::Parameter message_parameter(std::string_view text) {
    const bool fits = find_invalid_utf8(text) == std::string_view::npos &&
                      text.find('\0') == std::string_view::npos;
    return fits ? std::string(text) : one_line(text);
}

postgres::Parameter flag_parameter(bool flag) {
    return flag ? "t" : "f";
}

postgres::Parameter time_parameter(TimePoint when) {
    auto text = jobs::time_text(micros(when), microseconds_unit);
    if (!text) throw DatabaseError(Trouble::bad_value, text.error().message());
    return std::move(*text);
}

postgres::Parameter time_parameter(const std::optional<TimePoint>& when) {
    return when ? time_parameter(*when) : std::nullopt;
}

/// From "2026-03-01 09:00:00.25+00", which is how PostgreSQL writes RFC 3339.
TimePoint read_time(const Rows& rows, std::size_t row, int column) {
    constexpr std::size_t date_bytes = 10;
    constexpr std::string_view utc = "+00";
    std::string text = text_at(rows, row, column);
    if (text.size() > date_bytes) text[date_bytes] = 'T';
    if (text.ends_with(utc)) text.replace(text.size() - utc.size(), utc.size(), "Z");
    const auto count = jobs::parse_time_count(text, microseconds_unit);
    if (!count) unreadable("a time", count.error());
    return time_point(*count);
}

std::optional<TimePoint> find_time(const Rows& rows, std::size_t row, int column) {
    if (rows.is_null(row, column)) return std::nullopt;
    return read_time(rows, row, column);
}

bool any_is_free(postgres::Connection& connection, const char* exists, TimePoint now) {
    const std::array parameters{time_parameter(now), time_parameter(now + hold_max)};
    return connection.query(exists, parameters).boolean(0, 0);
}

Schedule read_schedule(const Rows& rows, std::size_t row) {
    return {
        .definition =
            {.name = text_at(rows, row, 0),
             .expression = text_at(rows, row, 1),
             .timezone = text_at(rows, row, 2),
             .queue = text_at(rows, row, 3),
             .type = text_at(rows, row, 4),
             .payload = text_at(rows, row, 5),
             .options = options_at(rows, row, 6),
             .rules = rules_at(rows, row, 8)},
        .source = static_cast<ScheduleSource>(rows.integer(row, 9)),
        .paused = !rows.boolean(row, 10),
        .pause_reason = text_at(rows, row, 11),
        .created_at = read_time(rows, row, 12),
        .updated_at = read_time(rows, row, 13),
        .next_slot = find_time(rows, row, 14),
        .next_due = find_time(rows, row, 15),
        .last_slot = find_time(rows, row, 16),
        .last_job = text_at(rows, row, 17),
        .last_error = text_at(rows, row, 18),
        .runs = count_at(rows, row, 19),
        .missed = count_at(rows, row, 20),
        .skipped = count_at(rows, row, 21),
        .version = count_at(rows, row, 22)};
}

RunKey read_run_key(const Rows& rows, std::size_t row) {
    return {
        .schedule = text_at(rows, row, 0),
        .slot = read_time(rows, row, 1),
        .manual = rows.boolean(row, 2)};
}

SlotRun read_run_without_job(const Rows& rows, std::size_t row) {
    return {
        .key = read_run_key(rows, row),
        .state = static_cast<RunState>(rows.integer(row, 3)),
        .job_id = text_at(rows, row, 4),
        .created_at = read_time(rows, row, 5),
        .claimed_until = find_time(rows, row, 6),
        .tries = static_cast<std::uint32_t>(rows.integer(row, 7)),
        .error = text_at(rows, row, 8),
        .enqueued_at = find_time(rows, row, 9)};
}

SlotRun read_run(const Rows& rows, std::size_t row) {
    SlotRun run = read_run_without_job(rows, row);
    run.queue = text_at(rows, row, 10);
    run.type = text_at(rows, row, 11);
    run.payload = text_at(rows, row, 12);
    run.options = options_at(rows, row, 13);
    return run;
}

ScheduledJob read_job(const Rows& rows, std::size_t row) {
    return {
        .id = text_at(rows, row, 0),
        .queue = text_at(rows, row, 1),
        .type = text_at(rows, row, 2),
        .payload = text_at(rows, row, 3),
        .options = options_at(rows, row, 4),
        .due = read_time(rows, row, 6),
        .state = static_cast<ScheduledState>(rows.integer(row, 7)),
        .tries = static_cast<std::uint32_t>(rows.integer(row, 10)),
        .error = text_at(rows, row, 11),
        .created_at = read_time(rows, row, 12)};
}

std::vector<Schedule> read_schedules(const Rows& rows) {
    return all_of(rows, [](const Rows& from, std::size_t row) { return read_schedule(from, row); });
}

std::vector<SlotRun> read_runs(const Rows& rows) {
    return all_of(rows, [](const Rows& from, std::size_t row) { return read_run(from, row); });
}

std::vector<SlotRun> read_runs_without_jobs(const Rows& rows) {
    return all_of(rows, [](const Rows& from, std::size_t row) {
        return read_run_without_job(from, row);
    });
}

std::vector<ScheduledJob> read_jobs(const Rows& rows) {
    return all_of(rows, [](const Rows& from, std::size_t row) { return read_job(from, row); });
}

}  // namespace tranter::schedule
