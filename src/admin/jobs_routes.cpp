#include "admin/jobs_api.hpp"
#include "admin/jobs_reply.hpp"
#include "admin/jobs_route.hpp"
#include "base/encoding.hpp"
#include "base/suggest.hpp"
#include "jobs/wire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace tranter::admin {
namespace {

namespace wire = jobs::wire;
using Api = JobsApi;

/// One, or an array of them.
template <class T>
void one_or_many(SchemaBook& book, JsonWriter& json) {
    json.begin_object().key("oneOf").begin_array();
    write_schema<T>(book, json);
    write_schema<std::vector<T>>(book, json);
    json.end_array().end_object();
}

void settled(SchemaBook&, JsonWriter& json) {
    json.begin_object().member("type", "object").key("properties").begin_object();
    json.key("ok").begin_object().member("type", "boolean").end_object().end_object();
    json.key("required").begin_array().value("ok").end_array().end_object();
}

/// For one receipt its result, for several a list.
void extended(SchemaBook& book, JsonWriter& json) {
    json.begin_object().key("oneOf").begin_array();
    write_schema<wire::Extended>(book, json);
    write_schema<wire::ExtendResults>(book, json);
    json.end_array().end_object();
}

void document(SchemaBook&, JsonWriter& json) {
    json.begin_object().member("type", "object").end_object();
}

template <class T>
constexpr SchemaBook::Write of = &write_schema<T>;

constexpr auto routes_of_jobs = std::to_array<JobRoute>({
    {.method = "POST",
     .path = "/v1/queues/{queue}/jobs",
     .operation = "enqueue",
     .summary = "Enqueues one job, or an array of up to 10,000: all of them or none. The header "
                "Idempotency-Key makes a repeated request get the first one's answer for a day.",
     .request = &one_or_many<wire::NewJob>,
     .response = &one_or_many<wire::Enqueued>,
     .status = 201,
     .direct = &Api::start_enqueue},
    {.method = "POST",
     .path = "/v1/queues/{queue}/receive",
     .operation = "receive",
     .summary = "Hands out jobs to a worker, waiting for the first one if told to.",
     .request = of<wire::ReceiveRequest>,
     .response = of<wire::ReceivedJobs>,
     .direct = &Api::start_receive},
    {.method = "POST",
     .path = "/v1/queues/{queue}/settle",
     .operation = "settle",
     .summary = "Says how attempts ended: one result for each, in order.",
     .request = of<wire::Settlements>,
     .response = of<wire::SettleResults>,
     .direct = &Api::start_settle},
    {.method = "POST",
     .path = "/v1/queues/{queue}/complete",
     .operation = "complete",
     .summary = "The attempt succeeded.",
     .request = of<wire::Completion>,
     .response = &settled,
     .direct = &Api::start_settle_one},
    {.method = "POST",
     .path = "/v1/queues/{queue}/fail",
     .operation = "fail",
     .summary = "The attempt failed; another one follows as the job's retry policy says.",
     .request = of<wire::Failure>,
     .response = &settled,
     .direct = &Api::start_settle_one},
    {.method = "POST",
     .path = "/v1/queues/{queue}/release",
     .operation = "release",
     .summary = "Interrupted: available at once, and the attempt does not count.",
     .request = of<wire::Receipt>,
     .response = &settled,
     .direct = &Api::start_settle_one},
    {.method = "POST",
     .path = "/v1/queues/{queue}/snooze",
     .operation = "snooze",
     .summary = "Available again after a while, and the attempt does not count.",
     .request = of<wire::Snooze>,
     .response = &settled,
     .direct = &Api::start_settle_one},
    {.method = "POST",
     .path = "/v1/queues/{queue}/dead",
     .operation = "dead",
     .summary = "No further attempt: the job goes to the dead-letter queue.",
     .request = of<wire::Death>,
     .response = &settled,
     .direct = &Api::start_settle_one},
    {.method = "POST",
     .path = "/v1/queues/{queue}/stop",
     .operation = "stop",
     .summary = "The job was cancelled while it ran, and has stopped.",
     .request = of<wire::Receipt>,
     .response = &settled,
     .direct = &Api::start_settle_one},
    {.method = "POST",
     .path = "/v1/queues/{queue}/extend",
     .operation = "extend",
     .summary = "The heartbeat of a worker: leases end `lease` from now.",
     .request = of<wire::Extend>,
     .response = &extended,
     .pooled = &Api::extend},
    {.method = "POST",
     .path = "/v1/queues/{queue}/progress",
     .operation = "setProgress",
     .summary = "Any JSON up to 4 KiB; the last one counts.",
     .request = of<wire::Progress>,
     .response = &settled,
     .pooled = &Api::set_progress},
    {.method = "POST",
     .path = "/v1/queues/{queue}/log",
     .operation = "appendLog",
     .summary = "Adds lines to the job's log.",
     .request = of<wire::LogLines>,
     .response = &settled,
     .pooled = &Api::append_log},
    {.method = "POST",
     .path = "/v1/queues/{queue}/step",
     .operation = "saveStep",
     .summary = "Keeps the result of a step for later attempts.",
     .request = of<wire::SaveStep>,
     .response = &settled,
     .pooled = &Api::save_step},
    {.method = "GET",
     .path = "/v1/queues",
     .operation = "listQueues",
     .summary = "All queues with their figures, by name.",
     .response = of<wire::Queues>,
     .pooled = &Api::queues},
    {.method = "GET",
     .path = "/v1/queues/{queue}",
     .operation = "getQueue",
     .summary = "The figures of a queue.",
     .response = of<QueueStats>,
     .pooled = &Api::stats},
    {.method = "POST",
     .path = "/v1/queues/{queue}/pause",
     .operation = "pauseQueue",
     .summary = "Hands out nothing until it is resumed.",
     .response = of<QueueStats>,
     .pooled = &Api::pause},
    {.method = "POST",
     .path = "/v1/queues/{queue}/resume",
     .operation = "resumeQueue",
     .summary = "Hands out jobs again.",
     .response = of<QueueStats>,
     .pooled = &Api::resume},
    {.method = "PUT",
     .path = "/v1/queues/{queue}/limits",
     .operation = "setLimits",
     .summary = "Replaces the limits of a queue; 0 is no limit.",
     .request = of<QueueLimits>,
     .response = of<QueueStats>,
     .pooled = &Api::set_limits},
    {.method = "GET",
     .path = "/v1/jobs",
     .operation = "listJobs",
     .summary = "Jobs that match a filter like `queue:mail state:dead`: unfinished ones first. "
                "With dead_letter_queue those that stand in that queue, in any order.",
     .query = "filter limit cursor dead_letter_queue",
     .response = of<wire::JobPage>,
     .pooled = &Api::list},
    {.method = "GET",
     .path = "/v1/jobs/{id}",
     .operation = "getJob",
     .summary = "Everything that is known of a job.",
     .response = of<wire::JobRecord>,
     .pooled = &Api::find},
    {.method = "DELETE",
     .path = "/v1/jobs/{id}",
     .operation = "removeJob",
     .summary = "Forgets a finished job; a dead one leaves its dead-letter queue.",
     .response = &settled,
     .pooled = &Api::remove},
    {.method = "GET",
     .path = "/v1/jobs/{id}/log",
     .operation = "getJobLog",
     .summary = "The lines that the job has logged.",
     .response = of<LogPage>,
     .pooled = &Api::log},
    {.method = "GET",
     .path = "/v1/jobs/{id}/wait",
     .operation = "waitForJob",
     .summary = "The job once it is finished; after the timeout (20s) 202 with the job as it is.",
     .query = "timeout",
     .response = of<wire::JobRecord>,
     .direct = &Api::start_wait},
    {.method = "POST",
     .path = "/v1/jobs/{id}/cancel",
     .operation = "cancelJob",
     .summary = "Removes a job that waits, or asks the worker of one that runs to stop.",
     .response = of<wire::CancelAnswer>,
     .pooled = &Api::cancel},
    {.method = "POST",
     .path = "/v1/jobs/{id}/retry",
     .operation = "retryJob",
     .summary = "Another go for a finished job, with all attempts; one that waits for its next "
                "attempt need not wait.",
     .response = &settled,
     .pooled = &Api::retry},
    {.method = "POST",
     .path = "/v1/jobs/{id}/promote",
     .operation = "promoteJob",
     .summary = "A job that is scheduled, or waits for its next attempt, is due now.",
     .response = &settled,
     .pooled = &Api::promote},
    {.method = "GET",
     .path = "/v1/workers",
     .operation = "listWorkers",
     .summary = "Workers that were heard of within the last ten minutes, by name.",
     .response = of<wire::Workers>,
     .pooled = &Api::workers},
    {.method = "GET",
     .path = "/v1/events",
     .operation = "events",
     .summary = "Changes of jobs as server-sent events `job`. Last-Event-ID continues; the event "
                "`gap` says that some were missed.",
     .query = "queue",
     .response = of<JobEvent>,
     .direct = &Api::open_events},
    {.method = "GET",
     .path = "/v1/openapi.json",
     .operation = "openapi",
     .summary = "This document.",
     .response = &document,
     .pooled = &Api::openapi},
    {.method = "GET",
     .path = "/v1",
     .operation = "info",
     .summary = "The server's version, and what its store can do.",
     .response = of<wire::ServerInfo>,
     .pooled = &Api::info},
});

std::string_view take_segment(std::string_view& path) {
    const std::size_t end = path.find('/');
    const std::string_view segment = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view() : path.substr(end + 1);
    return segment;
}

bool matches(std::string_view pattern, std::string_view path) {
    if (std::ranges::count(pattern, '/') != std::ranges::count(path, '/')) return false;
    while (!pattern.empty() || !path.empty()) {
        const std::string_view wanted = take_segment(pattern);
        const std::string_view got = take_segment(path);
        // What is wrong with an empty name, the store says.
        if (!wanted.starts_with('{') && wanted != got) return false;
    }
    return true;
}

bool take_parameters(JobCall& call, std::string_view path) {
    std::string_view pattern = call.route->path;
    while (!pattern.empty()) {
        const std::string_view wanted = take_segment(pattern);
        const std::string_view got = take_segment(path);
        if (!wanted.starts_with('{')) continue;
        auto text = percent_decode(got);
        if (!text || !is_valid_utf8(*text)) return false;
        (wanted == "{queue}" ? call.queue : call.id) = std::move(*text);
    }
    return true;
}

}  // namespace

std::span<const JobRoute> job_routes() {
    static const std::vector<JobRoute> all = [] {
        std::vector<JobRoute> routes(routes_of_jobs.begin(), routes_of_jobs.end());
        const auto more = schedule_routes();
        routes.insert(routes.end(), more.begin(), more.end());
        return routes;
    }();
    return all;
}

std::string_view action_of(const JobRoute& route) {
    return route.path.substr(route.path.rfind('/') + 1);
}

std::expected<JobCall, http::Response> match_route(std::string_view method, std::string_view path) {
    if (method == "HEAD") method = "GET";
    std::string allowed;
    for (const JobRoute& route : job_routes()) {
        if (!matches(route.path, path)) continue;
        if (route.method == method) {
            JobCall call;
            call.route = &route;
            if (take_parameters(call, path)) return call;
            return std::unexpected(problem_reply(
                Error(Errc::invalid_argument, "the path is not percent-encoded UTF-8")
            ));
        }
        if (!allowed.empty()) allowed += ", ";
        allowed += route.method == "GET" ? "GET, HEAD" : route.method;
    }
    if (allowed.empty()) {
        return std::unexpected(problem_reply(
            Error(Errc::not_found, "no such path; GET /v1/openapi.json describes those there are")
        ));
    }
    http::Response response =
        problem_reply(405, "Method not allowed", fmt::format("this path is for {}", allowed));
    response.headers += "Allow: " + allowed + "\r\n";
    return std::unexpected(std::move(response));
}

Result<std::map<std::string, std::string, std::less<>>> read_query(
    const JobRoute& route, std::string_view query
) {
    std::vector<std::string_view> known;
    for (std::string_view rest = route.query; !rest.empty();) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        known.push_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    std::map<std::string, std::string, std::less<>> out;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const auto name = percent_decode(pair.substr(0, equals), PlusSign::space);
        const auto value =
            percent_decode(pair.substr(std::min(equals + 1, pair.size())), PlusSign::space);
        if (!name || !value || !is_valid_utf8(*name) || !is_valid_utf8(*value)) {
            return fail(Errc::invalid_argument, "the query is not percent-encoded UTF-8");
        }
        if (std::ranges::find(known, *name) == known.end()) {
            return fail(
                Errc::invalid_argument,
                fmt::format("unknown query parameter '{}'{}", *name, did_you_mean(*name, known))
            );
        }
        if (!out.emplace(*name, *value).second) {
            return fail(
                Errc::invalid_argument, fmt::format("query parameter '{}' is there twice", *name)
            );
        }
    }
    return out;
}

}  // namespace tranter::admin
