#include "providers/later_jobs.hpp"

#include "base/unicode.hpp"
#include "jobs/supported.hpp"
#include "providers/sqs_job.hpp"
#include "schedule/later.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace tranter::providers {

namespace {

constexpr Milliseconds later_horizon = std::chrono::days(3650);

/// When it is due.
TimePoint later_due(const NewJob& job, TimePoint now) {
    return job.run_at.value_or(now + job.delay);
}

}  // namespace

JobRecord record_of_later(const ScheduledJob& job) {
    JobRecord record{
        .id = job.id,
        .queue = job.queue,
        .type = job.type,
        .payload = job.payload,
        .state = JobState::scheduled,
        .options = job.options,
        .created_at = job.created_at,
        .run_at = job.due};
    if (job.state == ScheduledState::cancelled) record.state = JobState::cancelled;
    if (job.state == ScheduledState::failed) {
        record.state = JobState::dead;
        record.reason = job.error;
    }
    return record;
}

Result<ScheduledJob> job_to_keep(
    const Provider& provider, std::string_view queue, NewJob job, TimePoint now
) {
    if (auto problem = problem_of(job); !problem.empty()) {
        return fail(Errc::invalid_argument, std::move(problem));
    }
    if (!is_json_text(job.payload)) {
        return fail(
            Errc::invalid_argument,
            fmt::format("payload is {}, expected JSON", in_quotes(job.payload))
        );
    }
    const TimePoint due = later_due(job, now);
    if (due - now > later_horizon) {
        return fail(Errc::invalid_argument, "run_at is more than ten years away");
    }
    JobOptions& options = job.options;
    if (options.ttl.count() != 0) {
        const TimePoint end = now + options.ttl;
        options.deadline = std::min(options.deadline.value_or(end), end);
        options.ttl = {};
    }
    job.delay = {};
    job.run_at.reset();
    if (auto problem = jobs::what_is_unsupported(job, provider); !problem.empty()) {
        return fail(Errc::unsupported, std::move(problem));
    }
    return schedule::job_for_later(queue, std::move(job), due, now);
}

}  // namespace tranter::providers
