#include "admin/role_service.hpp"

#include "admin/drop_in.hpp"
#include "admin/negotiation.hpp"
#include "admin/process_metrics.hpp"

#include <chrono>
#include <memory>
#include <utility>

namespace tranter::admin {
namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::string_view plain_json = "application/json";

}  // namespace

void RoleService::handle(const http::Request& request, http::Exchange exchange) const {
    std::move(exchange).respond(answer(request));
}

http::Response RoleService::answer(const http::Request& request) const {
    if (request.method != "GET" && request.method != "HEAD") {
        auto response = health_reply(405, plain_text, "only GET and HEAD are served here\n");
        response.headers += "Allow: GET, HEAD\r\n";
        return response;
    }
    const std::unique_ptr<Look> now = look();
    if (request.path == "/livez" || request.path == "/startupz") {
        return now->is_stuck() ? health_reply(503, plain_text, "stuck\n")
                               : health_reply(200, plain_text, "ok\n");
    }
    if (request.path == "/readyz") return readiness(all_checks(*now), request.query);
    if (request.path == "/health") return health(*now);
    if (request.path == "/metrics") return metrics(request, *now);
    const Instant moment = clock_.now();
    if (request.path == drop_in_health_path) {
        return drop_in_health(all_checks(*now), nullptr, moment);
    }
    if (request.path == drop_in_ready_path) {
        return drop_in_ready(all_checks(*now), nullptr, moment);
    }
    if (request.path == "/") {
        return health_reply(
            200,
            plain_text,
            "/livez /readyz /startupz /health /metrics /api/health /api/health/ready\n"
        );
    }
    return health_reply(404, plain_text, "not found; GET / lists what is here\n");
}

void RoleService::set_draining() {
    draining_since_ = clock_.now();
}

double RoleService::shutdown_seconds() const {
    const Instant since = draining_since_;
    if (since == Instant()) return 0;
    return std::chrono::duration<double>(clock_.now() - since).count();
}

std::vector<HealthCheck> RoleService::all_checks(const Look& look) const {
    std::vector<HealthCheck> checks{{.name = "working"}};
    if (draining_since_.load() != Instant()) {
        checks.front().health = Health::fail;
        checks.front().reason = "draining";
    }
    for (HealthCheck& check : look.checks())
        checks.push_back(std::move(check));
    return checks;
}

http::Response RoleService::health(const Look& look) const {
    const std::vector<HealthCheck> all = all_checks(look);
    const Health worst = worst_of(all);
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("status", health_name(worst));
    json.key("checks").begin_array();
    for (const HealthCheck& check : all)
        write_check(json, check, [](const JsonWriter&) {});
    json.end_array();
    look.write_figures(json);
    json.end_object();
    return health_reply(worst == Health::fail ? 503 : 200, plain_json, std::move(body) + "\n");
}

http::Response RoleService::metrics(const http::Request& request, const Look& look) const {
    RenderedMetrics metrics = render_for(request, [&](Exposition& out) {
        look.render(out, worst_of(all_checks(look)) != Health::fail);
        render_process(out, version_, started_);
    });
    return health_reply(200, metrics.content_type, std::move(metrics.body));
}

}  // namespace tranter::admin
