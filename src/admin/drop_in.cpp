#include "admin/drop_in.hpp"

#include "base/json_writer.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace tranter::admin {

namespace {

constexpr std::string_view json_content = "application/json";

bool keeps_on_disk(const DropInOptions& options) {
    return options.durability != "none";
}

std::string_view driver_of(const DropInOptions& options) {
    return keeps_on_disk(options) ? "file" : "memory";
}

void write_timestamp(JsonWriter& json, Instant now) {
    json.member("timestamp", time_of_check(TimePoint(now.time_since_epoch())));
}

void write_queue(
    JsonWriter& json, std::span<const HealthCheck> checks, const DropInOptions& options
) {
    json.key("queue").begin_object().member("status", health_name(worst_of(checks)));
    json.member("driver", driver_of(options)).member("durable", keeps_on_disk(options));
    json.member("durability", options.durability);
    const auto measured = std::ranges::find_if(checks, [](const HealthCheck& check) {
        return check.latency_ms.has_value();
    });
    json.key("latencyMs");
    if (measured != checks.end()) {
        json.value(measured->latency_ms.value_or(0));
    } else {
        json.null();
    }
    json.end_object();
}

http::Response json_answer(int status, std::string body) {
    return health_reply(status, json_content, std::move(body) + "\n");
}

std::vector<std::string> reasons_against(
    std::span<const HealthCheck> checks, const DropInOptions* options
) {
    std::vector<std::string> reasons;
    for (const HealthCheck& check : checks) {
        if (check.health == Health::fail) reasons.push_back(check.reason);
    }
    if (options != nullptr && options->require_durable && !keeps_on_disk(*options)) {
        reasons.emplace_back("queues are in memory and require_durable is set");
    }
    return reasons;
}

void write_depths(JsonWriter& json, broker::Broker& broker) {
    const Instant now = broker.now();
    json.key("queueDepths").begin_object();
    for (const auto& queue : broker.list_queues({}, {}, std::string::npos)) {
        const engine::Counters counters = queue->counters(now);
        const std::uint64_t waiting = counters.visible;
        const std::uint64_t active = counters.in_flight;
        json.key(queue->name()).begin_object();
        json.member("waiting", waiting).member("active", active);
        json.member("total", waiting + active + counters.delayed).end_object();
    }
    json.end_object();
}

}  // namespace

http::Response drop_in_health(
    std::span<const HealthCheck> checks, const DropInOptions* options, Instant now
) {
    const Health worst = worst_of(checks);
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("status", health_name(worst));
    write_timestamp(json, now);
    if (options != nullptr) write_queue(json, checks, *options);
    json.key("checks").begin_array();
    for (const HealthCheck& check : checks)
        write_check(json, check, [](const JsonWriter&) {});
    json.end_array().end_object();
    return json_answer(worst == Health::fail ? 503 : 200, std::move(body));
}

http::Response drop_in_ready(
    std::span<const HealthCheck> checks, const DropInOptions* options, Instant now
) {
    const std::vector<std::string> reasons = reasons_against(checks, options);
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("status", reasons.empty() ? "ready" : "not_ready");
    write_timestamp(json, now);
    if (options != nullptr) write_queue(json, checks, *options);
    json.key("reasons").begin_array();
    for (const std::string& reason : reasons)
        json.value(reason);
    json.end_array().end_object();
    return json_answer(reasons.empty() ? 200 : 503, std::move(body));
}

http::Response drop_in_status(
    broker::Broker& broker, std::span<const HealthCheck> checks, const DropInOptions& options
) {
    std::string body;
    JsonWriter json(body);
    json.begin_object().member("success", true).key("data").begin_object();
    write_timestamp(json, SteadyClock::wall_clock());
    json.key("executionWorker").begin_object();
    json.member("started", options.has_worker && options.has_worker());
    json.member("queueDriver", driver_of(options)).key("metrics").begin_object();
    write_depths(json, broker);
    json.end_object().end_object();
    const std::string_view strategy = options.scheduler_store;
    json.key("scheduler").begin_object();
    json.member("preferredStrategy", strategy.empty() ? "none" : strategy);
    // The words of the client library whose place the store takes.
    const bool works = worst_of(checks) != Health::fail;
    json.key("redis").begin_object().member("status", works ? "ready" : "end").end_object();
    json.end_object().end_object().end_object();
    return json_answer(200, std::move(body));
}

}  // namespace tranter::admin
