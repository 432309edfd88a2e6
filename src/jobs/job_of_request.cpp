#include "jobs/job_of_request.hpp"

#include "base/uuid.hpp"

#include <tranter/json.hpp>

#include <utility>

namespace tranter::jobs {

std::string normal_id(std::string_view id) {
    const auto uuid = parse_uuid(id);
    return uuid ? format_uuid(*uuid) : std::string(id);
}

NewJob to_job(JobRequest request) {
    EnqueueOptions& options = request.options;
    NewJob job{
        .id = normal_id(options.id),
        .type = std::move(request.type),
        .payload = std::move(request.payload),
        .delay = options.delay,
        .run_at = options.run_at,
        .options = {
            .priority = options.priority.value_or(priority_default),
            .group = std::move(options.group),
            .retry = options.retry.value_or(RetryPolicy{}),
            .timeout = options.timeout.value_or(Milliseconds()),
            .ttl = options.ttl,
            .deadline = options.deadline,
            .tags = std::move(options.tags),
            .dedup = std::move(options.dedup),
            .runs = options.runs,
            .max_parallel_runs = options.max_parallel_runs,
            .success = options.success,
            .traceparent = std::move(options.traceparent),
            .tracestate = std::move(options.tracestate)}};
    if (options.max_attempts) job.options.retry.max_attempts = *options.max_attempts;
    return job;
}

Result<> make_sure_it_is_json(JobRequest& request) {
    if (request.payload.size() > payload_bytes_max) return {};  // said by problem_of()
    auto json = Json::parse(request.payload);
    if (!json) return fail(json.error().code(), "payload: " + json.error().message());
    request.payload = json->text();
    return {};
}

std::string take_queue(JobRequest& request) {
    return request.options.queue.empty() ? "default" : std::move(request.options.queue);
}

}  // namespace tranter::jobs
