#include "jobs/options_writer.hpp"
#include "jobs/state_name.hpp"
#include "jobs/strict_json.hpp"
#include "jobs/wire.hpp"
#include "jobs/wire_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

// Jobs: to enqueue, enqueued, received, and as they are shown.
namespace tranter::jobs {
namespace {

/// A timeout of 0 would read as "none" here and as "at once" there.
template <class WireJob>
Result<NewJob> job_of(WireJob&& from, std::string_view path) {
    if (from.timeout && from.timeout->count() == 0) {
        return fail(
            Errc::invalid_argument,
            fmt::format("{}.timeout: \"0s\" is no time to work; leave it out for none", path)
        );
    }
    if (from.delay && from.run_at) {
        return fail(
            Errc::invalid_argument, fmt::format("{}: delay and run_at exclude each other", path)
        );
    }
    NewJob job;
    job.id = std::move(from.id);
    job.type = std::move(from.type);
    job.payload = from.payload.text();
    job.delay = from.delay.value_or(Milliseconds{});
    job.run_at = from.run_at;
    job.options = {
        .priority = from.priority,
        .group = std::move(from.group),
        .retry = from.retry,
        .timeout = from.timeout.value_or(Milliseconds{}),
        .ttl = from.ttl,
        .deadline = from.deadline,
        .tags = std::move(from.tags),
        .dedup = std::move(from.dedup),
        .runs = from.runs,
        .max_parallel_runs = from.max_parallel_runs,
        .success = from.success,
        .traceparent = std::move(from.traceparent),
        .tracestate = std::move(from.tracestate)};
    return job;
}

bool is_array_text(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '[';
}

template <class WireJob>
Result<std::vector<WireJob>> read_one_or_many(std::string_view text, bool array) {
    if (array) return from_json_strictly<std::vector<WireJob>>(text);
    auto read = from_json_strictly<WireJob>(text);
    if (!read) return std::unexpected(std::move(read.error()));
    std::vector<WireJob> one;
    one.push_back(std::move(*read));
    return one;
}

template <class WireJob>
Result<std::vector<NewJob>> jobs_of(std::vector<WireJob>&& from, bool array) {
    std::vector<NewJob> jobs;
    jobs.reserve(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
        auto job = job_of(std::move(from[i]), array ? fmt::format("$[{}]", i) : "$");
        if (!job) return std::unexpected(std::move(job.error()));
        jobs.push_back(std::move(*job));
    }
    return jobs;
}

/// Options of wire::ReceivedJob and wire::JobRecord, whose fields may be optional.
template <class T>
T value_of(std::optional<T>&& field, T otherwise) {
    return field ? std::move(*field) : std::move(otherwise);
}
template <class T>
T value_of(T&& field, std::type_identity_t<T>) {
    return std::forward<T>(field);
}

template <class WireJob>
JobOptions options_of(WireJob&& from) {
    const JobOptions fresh;
    return {
        .priority = value_of(std::move(from.priority), fresh.priority),
        .group = value_of(std::move(from.group), std::string()),
        .retry = value_of(std::move(from.retry), fresh.retry),
        .timeout = value_of(std::move(from.timeout), Milliseconds{}),
        .ttl = value_of(std::move(from.ttl), Milliseconds{}),
        .deadline = from.deadline,
        .tags = value_of(std::move(from.tags), {}),
        .dedup = std::move(from.dedup),
        .runs = value_of(std::move(from.runs), fresh.runs),
        .max_parallel_runs = value_of(std::move(from.max_parallel_runs), 0U),
        .success = value_of(std::move(from.success), fresh.success),
        .traceparent = value_of(std::move(from.traceparent), std::string()),
        .tracestate = value_of(std::move(from.tracestate), std::string())};
}

void write_some(JsonWriter& json, std::string_view name, const std::string& text) {
    if (!text.empty()) json.member(name, text);
}

void write_some(JsonWriter& json, std::string_view name, const std::optional<TimePoint>& when) {
    if (when) write_member(json, name, *when);
}

void write_some_json(JsonWriter& json, std::string_view name, const std::string& text) {
    if (!text.empty()) json.key(name).raw(text);
}

void write_new_job(JsonWriter& json, const NewJob& job) {
    json.begin_object();
    write_some(json, "id", job.id);
    json.member("type", job.type);
    write_some_json(json, "payload", job.payload);
    if (job.delay.count() != 0) write_member(json, "delay", job.delay);
    write_some(json, "run_at", job.run_at);
    write_some(json, "group", job.options.group);
    write_options(json, job.options, Defaults::leave_out);
    json.end_object();
}

void write_one_enqueued(JsonWriter& json, const Enqueued& one) {
    json.begin_object().member("id", one.id);
    write_some(json, "duplicate_of", one.duplicate_of);
    json.end_object();
}

void write_received_job(JsonWriter& json, const ReceivedJob& job) {
    json.begin_object();
    json.member("id", job.id).member("queue", job.queue).member("type", job.type);
    json.key("payload").raw(job.payload);
    json.member("receipt", job.receipt).member("attempt", job.attempt);
    write_member(json, "created_at", job.created_at);
    write_member(json, "lease_until", job.lease_until);
    write_some(json, "due_at", job.due_at);
    if (!job.steps.empty()) {
        json.key("steps").begin_array();
        for (const Step& step : job.steps) {
            json.begin_object().member("name", step.name).key("result").raw(step.result);
            json.end_object();
        }
        json.end_array();
    }
    write_some(json, "group", job.options.group);
    write_options(json, job.options, Defaults::leave_out);
    json.end_object();
}

void write_record(JsonWriter& json, const JobRecord& job) {
    json.begin_object();
    json.member("id", job.id).member("queue", job.queue).member("type", job.type);
    json.key("payload").raw(job.payload.empty() ? "null" : job.payload);
    json.member("state", state_name(job.state)).member("attempt", job.attempt);
    write_member(json, "created_at", job.created_at);
    write_some(json, "run_at", job.run_at);
    write_some(json, "started_at", job.started_at);
    write_some(json, "lease_until", job.lease_until);
    write_some(json, "finished_at", job.finished_at);
    json.member("cancel_requested", job.cancel_requested);
    write_some_json(json, "result", job.result);
    json.key("failures").begin_array();
    for (const AttemptFailure& failure : job.failures) {
        json.begin_object().member("attempt", failure.attempt);
        write_member(json, "at", failure.at);
        json.member("type", as_utf8(failure.type)).member("text", as_utf8(failure.text));
        json.end_object();
    }
    json.end_array();
    write_some_json(json, "progress", job.progress);
    write_some(json, "worker", job.worker);
    write_some(json, "reason", as_utf8(job.reason));
    write_some(json, "group", job.options.group);
    write_options(json, job.options, Defaults::write);
    json.end_object();
}

JobRecord record_of(wire::JobRecord&& from) {
    JobRecord job;
    job.id = std::move(from.id);
    job.queue = std::move(from.queue);
    job.type = std::move(from.type);
    job.payload = from.payload.text();
    job.state = from.state;
    job.attempt = from.attempt;
    job.created_at = from.created_at;
    job.run_at = from.run_at;
    job.started_at = from.started_at;
    job.lease_until = from.lease_until;
    job.finished_at = from.finished_at;
    job.cancel_requested = from.cancel_requested;
    job.result = text_or_nothing(from.result);
    job.failures = std::move(from.failures);
    job.progress = text_or_nothing(from.progress);
    job.worker = std::move(from.worker).value_or("");
    job.reason = std::move(from.reason).value_or("");
    job.options = options_of(std::move(from));
    return job;
}

}  // namespace

Result<NewJobs> read_new_jobs(std::string_view text) {
    NewJobs out{.array = is_array_text(text)};
    auto jobs = read_one_or_many<wire::NewJob>(text, out.array);
    if (!jobs) return std::unexpected(std::move(jobs.error()));
    auto read = jobs_of(std::move(*jobs), out.array);
    if (!read) return std::unexpected(std::move(read.error()));
    out.jobs = std::move(*read);
    return out;
}

Result<JobsForLater> read_jobs_for_later(std::string_view text) {
    JobsForLater out{.array = is_array_text(text)};
    auto jobs = read_one_or_many<wire::JobForLater>(text, out.array);
    if (!jobs) return std::unexpected(std::move(jobs.error()));
    for (wire::JobForLater& job : *jobs)
        out.queues.push_back(std::move(job.queue));
    auto read = jobs_of(std::move(*jobs), out.array);
    if (!read) return std::unexpected(std::move(read.error()));
    out.jobs = std::move(*read);
    return out;
}

std::string write_new_jobs(std::span<const NewJob> jobs) {
    std::string out;
    JsonWriter json(out);
    json.begin_array();
    for (const NewJob& job : jobs)
        write_new_job(json, job);
    json.end_array();
    return out;
}

Result<std::vector<Enqueued>> read_enqueued(std::string_view text) {
    return from_json_of_server<std::vector<Enqueued>>(text);
}

std::string write_enqueued(std::span<const Enqueued> enqueued, bool array) {
    std::string out;
    JsonWriter json(out);
    if (array) json.begin_array();
    for (const Enqueued& one : enqueued)
        write_one_enqueued(json, one);
    if (array) json.end_array();
    return out;
}

Result<std::vector<ReceivedJob>> read_received_jobs(std::string_view text) {
    auto read = from_json_of_server<wire::ReceivedJobs>(text);
    if (!read) return std::unexpected(std::move(read.error()));
    std::vector<ReceivedJob> out;
    out.reserve(read->jobs.size());
    for (wire::ReceivedJob& from : read->jobs) {
        ReceivedJob& job = out.emplace_back();
        job.id = std::move(from.id);
        job.queue = std::move(from.queue);
        job.type = std::move(from.type);
        job.payload = from.payload.text();
        job.receipt = std::move(from.receipt);
        job.attempt = from.attempt;
        job.created_at = from.created_at;
        job.lease_until = from.lease_until;
        job.due_at = from.due_at;
        if (from.steps) {
            for (wire::Step& step : *from.steps)
                job.steps.push_back({std::move(step.name), step.result.text()});
        }
        job.options = options_of(std::move(from));
    }
    return out;
}

std::string write_received_jobs(std::span<const ReceivedJob> jobs) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("jobs").begin_array();
    for (const ReceivedJob& job : jobs)
        write_received_job(json, job);
    json.end_array().end_object();
    return out;
}

Result<JobRecord> read_job_record(std::string_view text) {
    auto read = from_json_of_server<wire::JobRecord>(text);
    if (!read) return std::unexpected(std::move(read.error()));
    return record_of(std::move(*read));
}

std::string write_job_record(const JobRecord& job) {
    std::string out;
    JsonWriter json(out);
    write_record(json, job);
    return out;
}

Result<JobPage> read_job_page(std::string_view text) {
    auto read = from_json_of_server<wire::JobPage>(text);
    if (!read) return std::unexpected(std::move(read.error()));
    JobPage page;
    page.next = std::move(read->next).value_or("");
    for (wire::JobRecord& job : read->jobs)
        page.jobs.push_back(record_of(std::move(job)));
    return page;
}

std::string write_job_page(const JobPage& page) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("jobs").begin_array();
    for (const JobRecord& job : page.jobs)
        write_record(json, job);
    json.end_array();
    write_some(json, "next", page.next);
    json.end_object();
    return out;
}

Result<JobEvent> read_job_event(std::string_view text) {
    return from_json_of_server<JobEvent>(text);
}

std::string write_job_event(const JobEvent& event) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("number", event.number);
    write_member(json, "at", event.at);
    json.member("id", event.id).member("queue", event.queue).member("type", event.type);
    json.member("state", state_name(event.state)).member("attempt", event.attempt);
    json.end_object();
    return out;
}

}  // namespace tranter::jobs
