#include "postgres_jobs/job_rows.hpp"

#include "base/log.hpp"
#include "jobs/job_json.hpp"

#include <tranter/payload.hpp>

#include <utility>
#include <vector>

namespace tranter::postgres_jobs {
namespace {

using postgres::Rows;

/// Others of the same page have to be seen, and a job that cannot be seen cannot be removed.
void tell_unreadable(std::string_view what, std::string_view id, const Error& error) {
    log_warn(
        "postgres",
        "part of a job cannot be read",
        {{"id", id}, {"part", what}, {"error", error.message()}}
    );
}

std::optional<TimePoint> find_micros(const Rows& rows, std::size_t row, int column) {
    if (rows.is_null(row, column)) return std::nullopt;
    return read_micros(rows, row, column);
}

std::string text_of(const Rows& rows, std::size_t row, int column) {
    return std::string(rows.text(row, column));
}

}  // namespace

TimePoint read_micros(const Rows& rows, std::size_t row, int column) {
    return TimePoint(std::chrono::microseconds(rows.integer(row, column)));
}

JobRecord read_record(const Rows& rows, std::size_t row) {
    JobRecord record{
        .id = text_of(rows, row, 0),
        .queue = text_of(rows, row, 1),
        .type = text_of(rows, row, 2),
        .payload = text_of(rows, row, 3),
        .state = static_cast<JobState>(rows.integer(row, 4)),
        .attempt = static_cast<std::uint32_t>(rows.integer(row, 5))};
    auto options = jobs::options_from_json(rows.text(row, 6));
    if (options) {
        record.options = std::move(*options);
    } else {
        tell_unreadable("options", record.id, options.error());
    }
    record.options.group = rows.text(row, 7);
    record.created_at = read_micros(rows, row, 8);
    record.run_at = find_micros(rows, row, 9);
    record.started_at = find_micros(rows, row, 10);
    record.lease_until = find_micros(rows, row, 11);
    record.finished_at = find_micros(rows, row, 12);
    record.cancel_requested = rows.boolean(row, 13);
    record.result = rows.text(row, 14);
    if (!rows.is_null(row, 15)) {
        auto failures = from_json<std::vector<AttemptFailure>>(rows.text(row, 15));
        if (failures) {
            record.failures = std::move(*failures);
        } else {
            tell_unreadable("failures", record.id, failures.error());
        }
    }
    record.progress = rows.text(row, 16);
    record.worker = rows.text(row, 17);
    record.reason = rows.text(row, 18);
    return record;
}

}  // namespace tranter::postgres_jobs
