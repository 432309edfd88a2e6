#include "schedule/later.hpp"

#include "base/log_text.hpp"
#include "base/unicode.hpp"
#include "base/uuid.hpp"
#include "jobs/job_of_request.hpp"
#include "jobs/value_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tranter::schedule {
namespace {

constexpr std::size_t queue_bytes_max = 80;

NewJob job_at(const ScheduledJob& job, TimePoint at) {
    return {
        .id = job.id,
        .type = job.type,
        .payload = job.payload,
        .run_at = at,
        .options = job.options};
}

}  // namespace

Result<> check_job_queue(std::string_view queue) {
    const bool letters = std::ranges::all_of(queue, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
    if (letters && !queue.empty() && queue.size() <= queue_bytes_max) return {};
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "queue is \"{}\", it must be 1 to {} letters, digits, - and _, maybe with .fifo behind",
            one_line(jobs::shortened(queue, queue_bytes_max)),
            queue_bytes_max
        )
    );
}

Result<TimePoint> time_after(TimePoint now, Milliseconds delay) {
    // Its rules, and what they say, are those of jobs.
    const NewJob job{.type = "job", .delay = delay};
    if (auto problem = problem_of(job); !problem.empty()) {
        return fail(Errc::invalid_argument, std::move(problem));
    }
    return now + delay;
}

Result<ScheduledJob> job_for_later(
    std::string_view queue, NewJob job, TimePoint at, TimePoint now
) {
    if (auto checked = check_job_queue(queue); !checked) return std::unexpected(checked.error());
    job.delay = {};
    job.run_at = at;
    if (auto problem = problem_of(job); !problem.empty()) {
        return fail(Errc::invalid_argument, std::move(problem));
    }
    // One spelling, since it is looked up as text.
    const auto given = parse_uuid(job.id);
    return ScheduledJob{
        .id = format_uuid(given ? *given : make_uuid()),
        .queue = std::string(queue),
        .type = std::move(job.type),
        .payload = std::move(job.payload),
        .options = std::move(job.options),
        .due = at,
        .created_at = now};
}

std::string place_text(const ScheduledJob& job) {
    return fmt::format("{}.{}", job.due.time_since_epoch().count(), job.id);
}

Result<std::optional<JobPlace>> read_place(ScheduleStore& store, std::string_view text) {
    if (text.empty()) return std::nullopt;
    const std::size_t point = text.find('.');
    const std::string_view id = point == std::string_view::npos ? text : text.substr(point + 1);
    TimePoint::rep due = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size() - id.size(), due);
    const bool has_time = point != std::string_view::npos;
    const bool bad_time = has_time && (read.ec != std::errc() || read.ptr != text.data() + point);
    if (!parse_uuid(id) || bad_time) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "{} is neither the end of a page nor the id of a job",
                in_quotes(jobs::shortened(text, queue_bytes_max))
            )
        );
    }
    JobPlace place{.due = TimePoint(TimePoint::duration(due)), .id = jobs::normal_id(id)};
    if (!has_time) {
        const auto job = store.find_job(place.id);
        if (!job) return std::unexpected(job.error());
        place.due = job->due;
    }
    return place;
}

Result<ScheduledJob> reschedule(
    ScheduleStore& store, std::string_view given_id, TimePoint at, TimePoint now
) {
    const std::string id = jobs::normal_id(given_id);
    const auto job = store.find_job(id);
    if (!job) return std::unexpected(job.error());
    if (auto problem = problem_of(job_at(*job, at)); !problem.empty()) {
        return fail(Errc::invalid_argument, std::move(problem));
    }
    if (auto done = store.reschedule_job(id, at, now); !done) {
        return std::unexpected(done.error());
    }
    return store.find_job(id);
}

}  // namespace tranter::schedule
