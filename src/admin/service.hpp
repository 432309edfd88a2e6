#pragma once

#include "admin/drop_in.hpp"
#include "admin/health.hpp"
#include "admin/metrics.hpp"
#include "admin/token_gate.hpp"
#include "base/json_writer.hpp"
#include "broker/broker.hpp"
#include "http/server.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranter::admin {

class JobsApi;

struct ServiceOptions {
    /// Bearer token that everything but the health endpoints asks for; empty: open.
    std::string token{};
    /// A queue's attributes as GetQueueAttributes(All) shows them.
    std::function<std::vector<std::pair<std::string, std::string>>(const broker::QueueHandle&)>
        attributes{};
    MetricsSources metrics{};
    /// Whether a thread that has to work all the time has not for too long; may be null.
    std::function<bool()> is_stuck{};
    JobsApi* jobs = nullptr;  // outlives the service; null: not served
    DropInOptions drop_in{};
};

/// The admin port: health for whoever supervises us, metrics, and a look into queues without
/// receiving.
///
///     GET /                                       this list
///     GET /livez /readyz /startupz /health        health; no token needed. /readyz?verbose shows
///                                                 each check, ?exclude=NAME leaves one out
///     GET /metrics                                for Prometheus, or OpenMetrics by Accept
///     GET /statistics/queues[/NAME]               as ElasticMQ answers it
///     GET /queues/NAME/messages?limit=N&offset=N  messages as they lie there, at most 1000 a call
///     GET /api/...                                paths of other deployments (drop_in.hpp); its
///                                                 health needs no token either
///     /v1/...                                     the Jobs API (jobs_api.hpp)
class Service {
  public:
    /// The broker outlives the service.
    Service(ServiceOptions options, broker::Broker& broker);

    /// Both are thread-safe and never block.
    void handle(const http::Request& request, http::Exchange exchange) const;
    http::Response answer(const http::Request& request) const;

    /// Readiness: false from construction until the server listens, and again once it drains.
    void set_ready(bool ready) { ready_ = ready; }

  private:
    std::vector<HealthCheck> checks() const;
    http::Response health(const http::Request& request) const;
    http::Response statistics() const;
    http::Response queue_statistics(std::string_view name) const;
    http::Response messages(std::string_view name, std::string_view query) const;
    void write_message(JsonWriter& json, const engine::MessageView& message) const;

    const ServiceOptions options_;
    broker::Broker& broker_;
    const Instant started_;
    mutable TokenGate gate_;
    std::atomic<bool> ready_{false};
};

}  // namespace tranter::admin
