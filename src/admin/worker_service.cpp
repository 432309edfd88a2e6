#include "admin/worker_service.hpp"

#include "admin/exposition.hpp"
#include "admin/process_metrics.hpp"
#include "base/json_writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tranter::admin {
namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::string_view plain_json = "application/json";
constexpr std::string_view exposition_type = "text/plain; version=0.0.4; charset=utf-8";

http::Response answer_with(int status, std::string_view type, std::string body) {
    return {
        .status = status,
        .content_type = type,
        .headers = "Cache-Control: no-store\r\n",
        .body = std::move(body)};
}

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

}  // namespace

WorkerService::WorkerService(WorkerServiceOptions options, Instant started)
    : options_(std::move(options)), started_(started) {}

void WorkerService::handle(const http::Request& request, http::Exchange exchange) const {
    std::move(exchange).respond(answer(request));
}

http::Response WorkerService::answer(const http::Request& request) const {
    if (request.method != "GET" && request.method != "HEAD") {
        auto response = answer_with(405, plain_text, "only GET and HEAD are served here\n");
        response.headers += "Allow: GET, HEAD\r\n";
        return response;
    }
    const WorkerFigures figures = options_.figures();
    if (request.path == "/livez" || request.path == "/startupz") {
        return figures.stuck ? answer_with(503, plain_text, "stuck\n")
                             : answer_with(200, plain_text, "ok\n");
    }
    if (request.path == "/readyz") {
        const std::string_view now = state(figures);
        return answer_with(now == "ok" ? 200 : 503, plain_text, std::string(now) + "\n");
    }
    if (request.path == "/health") return health(figures);
    if (request.path == "/metrics") return metrics(figures);
    if (request.path == "/")
        return answer_with(200, plain_text, "/livez /readyz /health /metrics\n");
    return answer_with(404, plain_text, "not found; GET / lists what is here\n");
}

std::string_view WorkerService::state(const WorkerFigures& figures) const {
    if (draining_) return "draining";
    if (figures.stuck) return "stuck";
    return figures.receiving ? "ok" : "the provider does not answer";
}

http::Response WorkerService::health(const WorkerFigures& figures) const {
    const std::string_view now = state(figures);
    std::string body;
    JsonWriter json(body);
    json.begin_object()
        .member("status", now == "ok" ? "ok" : "fail")
        .member("worker", options_.worker);
    json.key("checks").begin_array().begin_object();
    json.member("name", "receiving").member("status", now).end_object().end_array();
    json.member("running", std::uint64_t{figures.running});
    json.member("waiting", std::uint64_t{figures.waiting});
    json.member("concurrency", std::uint64_t{options_.concurrency});
    json.key("attempts").begin_object();
    for (const OutcomeCount& outcome : outcome_counts)
        json.member(outcome.name, figures.counts.*outcome.member);
    json.end_object().end_object();
    return answer_with(now == "ok" ? 200 : 503, plain_json, std::move(body) + "\n");
}

http::Response WorkerService::metrics(const WorkerFigures& figures) const {
    std::string text;
    Exposition out(text);
    out.header("tranter_worker_up", Exposition::Type::gauge, "1 while the worker receives jobs.");
    out.sample("tranter_worker_up", {}, state(figures) == "ok" ? 1 : 0);
    out.header(
        "tranter_worker_slots",
        Exposition::Type::gauge,
        "Handlers that can run at a time, by state."
    );
    const auto busy = static_cast<double>(figures.running);
    out.sample("tranter_worker_slots", {{"state", "busy"}}, busy);
    out.sample(
        "tranter_worker_slots", {{"state", "idle"}}, std::max(0.0, options_.concurrency - busy)
    );
    out.header("tranter_worker_saturation_ratio", Exposition::Type::gauge, "Busy slots of all.");
    out.sample("tranter_worker_saturation_ratio", {}, busy / std::max(1U, options_.concurrency));
    out.header(
        "tranter_worker_jobs_waiting", Exposition::Type::gauge, "Jobs received and not begun."
    );
    out.sample("tranter_worker_jobs_waiting", {}, static_cast<double>(figures.waiting));
    out.header(
        "tranter_worker_attempts_total", Exposition::Type::counter, "Attempts by how they ended."
    );
    for (const OutcomeCount& outcome : outcome_counts) {
        out.sample(
            "tranter_worker_attempts_total",
            {{"outcome", outcome.name}},
            static_cast<double>(figures.counts.*outcome.member)
        );
    }
    render_process(out, options_.version, started_);
    return answer_with(200, exposition_type, std::move(text));
}

}  // namespace tranter::admin
