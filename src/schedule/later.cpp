#include "schedule/later.hpp"

#include "base/log_text.hpp"
#include "base/uuid.hpp"
#include "jobs/value_path.hpp"

#include <fmt/format.h>

#include <algorithm>
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

Result<ScheduledJob> reschedule(
    ScheduleStore& store, std::string_view id, TimePoint at, TimePoint now
) {
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
