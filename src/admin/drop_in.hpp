#pragma once

#include "admin/health.hpp"
#include "broker/broker.hpp"
#include "http/message.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>

/// Three paths of deployments that Tranter takes the place of, with their shapes, so that their
/// probes and dashboards go on (TELEMETRY.md section 3).
namespace tranter::admin {

inline constexpr std::string_view drop_in_health_path = "/api/health";
inline constexpr std::string_view drop_in_ready_path = "/api/health/ready";
inline constexpr std::string_view drop_in_status_path = "/api/admin/workers/status";

/// A queue in memory is no reason to be out of service, unless somebody said so.
struct DropInOptions {
    std::string_view durability = "none";  // os, sync
    bool require_durable = false;
    /// Whether a worker was heard of lately; empty: nobody knows.
    std::function<bool()> has_worker{};
    std::string scheduler_store{};  // "sqlite", "postgres"; empty: none
};

/// Of a role without queues of its own `options` is null.
http::Response drop_in_health(
    std::span<const HealthCheck> checks, const DropInOptions* options, Instant now
);
http::Response drop_in_ready(
    std::span<const HealthCheck> checks, const DropInOptions* options, Instant now
);
http::Response drop_in_status(
    broker::Broker& broker, std::span<const HealthCheck> checks, const DropInOptions& options
);

}  // namespace tranter::admin
