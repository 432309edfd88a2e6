#include "admin/worker_service.hpp"

#include "admin/exposition.hpp"
#include "admin/job_metrics.hpp"
#include "admin/process_metrics.hpp"
#include "base/json_writer.hpp"
#include "jobs/time_text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace tranter::admin {
namespace {

using Type = Exposition::Type;

constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::string_view plain_json = "application/json";
constexpr std::string_view exposition_type = "text/plain; version=0.0.4; charset=utf-8";

struct OutcomeCount {
    std::string_view name;
    std::uint64_t WorkerCounts::*member;
};

constexpr std::array outcome_counts{
    OutcomeCount{"completed", &WorkerCounts::completed},
    OutcomeCount{"failed", &WorkerCounts::failed},
    OutcomeCount{"dead", &WorkerCounts::dead},
    OutcomeCount{"snoozed", &WorkerCounts::snoozed},
    OutcomeCount{"released", &WorkerCounts::released},
    OutcomeCount{"cancelled", &WorkerCounts::cancelled},
    OutcomeCount{"lost", &WorkerCounts::lost},
};

std::string text_of(TimePoint when) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(when.time_since_epoch());
    return jobs::time_text(seconds.count(), {1, 1}).value_or("");
}

void render_outcomes(Exposition& out, const WorkerCounts& counts) {
    constexpr std::string_view name = "tranter_worker_attempts_total";
    out.header(name, Type::counter, "Attempts by how they ended.");
    for (const OutcomeCount& outcome : outcome_counts) {
        out.sample(name, {{"outcome", outcome.name}}, static_cast<double>(counts.*outcome.member));
    }
}

void render_calls(Exposition& out, const WorkerMetrics& metrics) {
    constexpr std::string_view polls = "tranter_worker_poll_duration_seconds";
    out.header(polls, Type::histogram, "Calls for jobs, with the time that they wait for some.");
    const DurationBuckets& buckets = metrics.poll_duration;
    out.histogram(polls, {}, duration_bounds, buckets.counts, buckets.sum);
    constexpr std::string_view heartbeat = "tranter_worker_last_heartbeat_timestamp_seconds";
    out.header(heartbeat, Type::gauge, "When the store last answered, 0 before it ever did.");
    const auto last = metrics.last_answer.value_or(TimePoint()).time_since_epoch();
    out.sample(heartbeat, {}, std::chrono::duration<double>(last).count());
    constexpr std::string_view extensions = "tranter_job_lease_extensions_total";
    out.header(extensions, Type::counter, "Leases that were renewed.");
    out.sample(extensions, {}, static_cast<double>(metrics.lease_extensions));
}

}  // namespace

WorkerService::WorkerService(WorkerServiceOptions options, Instant started)
    : options_(std::move(options)), started_(started) {}

void WorkerService::handle(const http::Request& request, http::Exchange exchange) const {
    std::move(exchange).respond(answer(request));
}

http::Response WorkerService::answer(const http::Request& request) const {
    if (request.method != "GET" && request.method != "HEAD") {
        auto response = health_reply(405, plain_text, "only GET and HEAD are served here\n");
        response.headers += "Allow: GET, HEAD\r\n";
        return response;
    }
    const WorkerFigures figures = options_.figures();
    if (request.path == "/livez" || request.path == "/startupz") {
        return figures.stuck ? health_reply(503, plain_text, "stuck\n")
                             : health_reply(200, plain_text, "ok\n");
    }
    if (request.path == "/readyz") return readiness(checks(figures), request.query);
    if (request.path == "/health") return health(figures);
    if (request.path == "/metrics") return metrics(figures);
    if (request.path == "/") {
        return health_reply(200, plain_text, "/livez /readyz /startupz /health /metrics\n");
    }
    return health_reply(404, plain_text, "not found; GET / lists what is here\n");
}

void WorkerService::set_draining() {
    draining_since_ = clock_.now();
}

std::vector<HealthCheck> WorkerService::checks(const WorkerFigures& figures) const {
    std::vector<HealthCheck> checks;
    HealthCheck& working = checks.emplace_back(HealthCheck{.name = "working"});
    if (draining_since_.load() != Instant()) {
        working.health = Health::fail;
        working.reason = "draining";
    }
    HealthCheck& fetching = checks.emplace_back(HealthCheck{.name = "fetch_loop"});
    if (figures.stuck) {
        fetching.health = Health::fail;
        fetching.reason = "stuck";
    }
    HealthCheck& store = checks.emplace_back(HealthCheck{.name = "store"});
    if (!figures.receiving) {
        store.health = Health::fail;
        store.reason = "the provider does not answer";
    }
    if (figures.latency) store.latency_ms = static_cast<double>(figures.latency->count());
    store.last_error = figures.last_error;
    if (figures.last_error_at) store.last_error_at = text_of(*figures.last_error_at);
    return checks;
}

http::Response WorkerService::health(const WorkerFigures& figures) const {
    const std::vector<HealthCheck> all = checks(figures);
    const Health worst = worst_of(all);
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("status", health_name(worst)).member("worker", options_.worker);
    json.key("checks").begin_array();
    for (const HealthCheck& check : all)
        write_check(json, check, [](const JsonWriter&) {});
    json.end_array();
    json.member("running", std::uint64_t{figures.running});
    json.member("waiting", std::uint64_t{figures.waiting});
    json.member("concurrency", std::uint64_t{options_.concurrency});
    json.key("attempts").begin_object();
    for (const OutcomeCount& outcome : outcome_counts)
        json.member(outcome.name, figures.counts.*outcome.member);
    json.end_object().end_object();
    return health_reply(worst == Health::fail ? 503 : 200, plain_json, std::move(body) + "\n");
}

double WorkerService::shutdown_seconds() const {
    const Instant since = draining_since_;
    if (since == Instant()) return 0;
    return std::chrono::duration<double>(clock_.now() - since).count();
}

http::Response WorkerService::metrics(const WorkerFigures& figures) const {
    std::string text;
    Exposition out(text);
    const auto gauge = [&](std::string_view name, std::string_view help, double value) {
        out.header(name, Type::gauge, help);
        out.sample(name, {}, value);
    };
    const bool is_up = worst_of(checks(figures)) == Health::ok;
    gauge("tranter_worker_up", "1 while the worker receives jobs.", is_up ? 1 : 0);
    out.header("tranter_worker_slots", Type::gauge, "Handlers that can run at a time, by state.");
    const auto busy = static_cast<double>(figures.running);
    const double idle = std::max(0.0, options_.concurrency - busy);
    out.sample("tranter_worker_slots", {{"state", "busy"}}, busy);
    out.sample("tranter_worker_slots", {{"state", "idle"}}, idle);
    gauge(
        "tranter_worker_saturation_ratio",
        "Busy slots of all.",
        busy / std::max(1U, options_.concurrency)
    );
    gauge(
        "tranter_worker_jobs_waiting",
        "Jobs received and not begun.",
        static_cast<double>(figures.waiting)
    );
    gauge(
        "tranter_worker_shutdown_duration_seconds",
        "How long the worker has been stopping, 0 while it works.",
        shutdown_seconds()
    );
    render_outcomes(out, figures.counts);
    const WorkerMetrics metrics = options_.metrics();
    render_calls(out, metrics);
    render_jobs(out, metrics.jobs);
    render_process(out, options_.version, started_);
    return health_reply(200, exposition_type, std::move(text));
}

}  // namespace tranter::admin
