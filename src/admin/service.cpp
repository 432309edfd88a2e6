#include "admin/service.hpp"

#include "admin/jobs_api.hpp"
#include "admin/jobs_reply.hpp"
#include "admin/negotiation.hpp"
#include "base/encoding.hpp"
#include "base/uuid.hpp"

#include <fmt/chrono.h>

#include <charconv>
#include <optional>

namespace tranter::admin {
namespace {

constexpr std::string_view json_type = "application/json";
constexpr std::string_view text_type = "text/plain; charset=utf-8";
constexpr std::string_view index_text =
    "GET /livez /readyz /startupz /health\n"
    "GET /metrics\n"
    "GET /statistics/queues[/NAME]\n"
    "GET /queues/NAME/messages?limit=N&offset=N\n"
    "GET /api/health /api/health/ready /api/admin/workers/status\n"
    "GET /v1/openapi.json describes the Jobs API\n";
constexpr std::size_t peek_max = 1000;
constexpr std::size_t peek_default = 10;
// Large messages make short pages.
constexpr std::size_t peek_bytes_max = std::size_t{4} * 1024 * 1024;

http::Response reply(int status, std::string_view type, std::string body) {
    return {
        .status = status,
        .content_type = type,
        .headers =
            "Cache-Control: no-store\r\n"
            "Content-Security-Policy: default-src 'none'; base-uri 'none'; "
            "frame-ancestors 'none'\r\n"
            "Referrer-Policy: no-referrer\r\n",
        .body = std::move(body)};
}

http::Response failure(int status, std::string_view what) {
    std::string body;
    JsonWriter(body).begin_object().member("error", what).end_object();
    return reply(status, json_type, std::move(body) + "\n");
}

/// The number of `name` in a query string; `otherwise` when it is absent, nothing when it is bad.
std::optional<std::size_t> query_number(
    std::string_view query, std::string_view name, std::size_t otherwise
) {
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (!pair.starts_with(name) || pair.substr(name.size(), 1) != "=") continue;
        const std::string_view text = pair.substr(name.size() + 1);
        std::size_t number = 0;
        const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
        return number;
    }
    return otherwise;
}

std::string_view state_name(engine::MessageView::State state) {
    switch (state) {
        case engine::MessageView::State::visible:
            return "visible";
        case engine::MessageView::State::in_flight:
            return "inflight";
        case engine::MessageView::State::delayed:
            break;
    }
    return "delayed";
}

std::string utc_text(Instant when) {
    const std::int64_t millis = unix_millis(when);
    const std::chrono::sys_seconds seconds{std::chrono::seconds(millis / 1000)};
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", seconds, millis % 1000);
}

}  // namespace

Service::Service(ServiceOptions options, broker::Broker& broker)
    : options_(std::move(options)),
      broker_(broker),
      started_(broker.now()),
      gate_(options_.token) {}

void Service::handle(const http::Request& request, http::Exchange exchange) const {
    if (options_.jobs == nullptr || !JobsApi::owns(request.path)) {
        std::move(exchange).respond(answer(request));
        return;
    }
    if (auto refused = refusal(gate_.check(request))) {
        std::move(exchange).respond(std::move(*refused));
        return;
    }
    options_.jobs->handle(request, std::move(exchange));
}

http::Response Service::answer(const http::Request& request) const {
    if (request.method != "GET" && request.method != "HEAD") {
        http::Response response = failure(405, "only GET and HEAD are served here");
        response.headers += "Allow: GET, HEAD\r\n";
        return response;
    }
    const std::string_view path = request.path;
    if (path == "/livez" || path == "/readyz" || path == "/startupz" || path == "/health") {
        return health(request);
    }
    const DropInOptions& drop_in = options_.drop_in;
    if (path == drop_in_health_path) return drop_in_health(checks(), &drop_in, broker_.now());
    if (path == drop_in_ready_path) return drop_in_ready(checks(), &drop_in, broker_.now());
    switch (gate_.check(request)) {
        case TokenGate::Verdict::pass:
            break;
        case TokenGate::Verdict::wrong: {
            http::Response response = failure(401, token_text);
            response.headers += "WWW-Authenticate: Bearer\r\n";
            return response;
        }
        case TokenGate::Verdict::too_many: {
            http::Response response = failure(429, too_many_text);
            response.headers += "Retry-After: 1\r\n";
            return response;
        }
    }
    constexpr std::string_view statistics_path = "/statistics/queues";
    constexpr std::string_view queues_path = "/queues/";
    constexpr std::string_view messages_suffix = "/messages";
    if (path == "/metrics") {
        RenderedMetrics metrics = render_for(request, [&](Exposition& out) {
            render_metrics(out, broker_, options_.metrics, started_);
        });
        return reply(200, metrics.content_type, std::move(metrics.body));
    }
    if (path == drop_in_status_path) return drop_in_status(broker_, checks(), drop_in);
    if (path == statistics_path) return statistics();
    if (path.starts_with(statistics_path) && path[statistics_path.size()] == '/') {
        return queue_statistics(path.substr(statistics_path.size() + 1));
    }
    if (path.starts_with(queues_path) && path.ends_with(messages_suffix) &&
        path.size() > queues_path.size() + messages_suffix.size()) {
        const std::size_t name_size = path.size() - queues_path.size() - messages_suffix.size();
        return messages(path.substr(queues_path.size(), name_size), request.query);
    }
    if (path == "/") return reply(200, text_type, std::string(index_text));
    return failure(404, "not found; GET / lists what is here");
}

std::vector<HealthCheck> Service::checks() const {
    std::vector<HealthCheck> checks;
    HealthCheck& serving = checks.emplace_back(HealthCheck{.name = "serving"});
    if (broker_.stopping() || !ready_) {
        serving.health = Health::fail;
        serving.reason = broker_.stopping() ? "draining" : "starting";
    }
    checks.push_back(check_storage(broker_.journal(), options_.metrics.storage));
    return checks;
}

http::Response Service::health(const http::Request& request) const {
    const auto say = [](bool good, std::string_view otherwise) {
        return reply(good ? 200 : 503, text_type, good ? "ok\n" : std::string(otherwise));
    };
    // What answers this is alive; that delays and long polls end is another thread's work.
    if (request.path == "/livez") return say(!options_.is_stuck || !options_.is_stuck(), "stuck\n");
    if (request.path == "/startupz") return say(ready_, "starting\n");
    const std::vector<HealthCheck> all = checks();
    if (request.path == "/readyz") return readiness(all, request.query);
    const Health worst = worst_of(all);
    const StorageSources& storage = options_.metrics.storage;
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("status", health_name(worst));
    json.member("durability", storage.durability);
    json.key("checks").begin_array();
    write_check(json, all.front(), [](const JsonWriter&) {});
    if (storage.figures) {
        write_check(json, all.back(), [&](JsonWriter& one) { write_segments(one, storage); });
    }
    json.end_array().end_object();
    return reply(worst == Health::fail ? 503 : 200, json_type, std::move(body) + "\n");
}

http::Response Service::statistics() const {
    std::string body;
    JsonWriter json(body);
    json.begin_array();
    const Instant now = broker_.now();
    for (const auto& queue : broker_.list_queues({}, {}, std::string::npos)) {
        const engine::Counters counters = queue->counters(now);
        json.begin_object().member("name", queue->name()).key("statistics").begin_object();
        json.member("approximateNumberOfVisibleMessages", counters.visible);
        json.member("approximateNumberOfInvisibleMessages", counters.in_flight);
        json.member("approximateNumberOfMessagesDelayed", counters.delayed);
        json.end_object().end_object();
    }
    json.end_array();
    return reply(200, json_type, std::move(body));
}

http::Response Service::queue_statistics(std::string_view name) const {
    const auto queue = broker_.find_queue(percent_decode(name).value_or(""));
    if (!queue) return failure(404, "no queue of that name");
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("name", queue->name()).key("attributes").begin_object();
    if (options_.attributes) {
        for (const auto& [attribute, value] : options_.attributes(queue)) {
            json.member(attribute, value);
        }
    }
    json.end_object().end_object();
    return reply(200, json_type, std::move(body));
}

void Service::write_message(JsonWriter& json, const engine::MessageView& message) const {
    json.begin_object()
        .member("message_id", format_uuid(message.payload.id()))
        .member("state", state_name(message.state))
        .member("sequence_number", message.sequence)
        .member("sent_at", utc_text(message.sent_at))
        .member("receive_count", message.receive_count);
    if (message.state != engine::MessageView::State::visible) {
        json.member("due_at", utc_text(message.due));
    }
    if (!message.group.empty()) json.member("group", message.group);
    if (const auto source = broker_.find_queue(message.source_queue)) {
        json.member("dead_letter_source", source->name());
    }
    json.member("body", message.payload.body()).end_object();
}

http::Response Service::messages(std::string_view name, std::string_view query) const {
    const auto queue = broker_.find_queue(percent_decode(name).value_or(""));
    if (!queue) return failure(404, "no queue of that name");
    const auto limit = query_number(query, "limit", peek_default);
    const auto offset = query_number(query, "offset", 0);
    if (!limit || !offset || *limit < 1 || *limit > peek_max) {
        return failure(400, "limit is a number from 1 to 1000 and offset a number from 0");
    }
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("queue", queue->name()).key("messages").begin_array();
    auto next = *offset;
    auto found = queue->peek(next, *limit);
    for (auto& message : found) {
        if (body.size() >= peek_bytes_max) break;
        ++next;
        message.payload = broker_.with_bytes(message.payload);
        if (message.payload) write_message(json, message);
    }
    json.end_array();
    if (next - *offset < found.size()) json.member("next_offset", next);
    json.end_object();
    return reply(200, json_type, std::move(body) + "\n");
}

}  // namespace tranter::admin
