#pragma once

#include "admin/exposition.hpp"
#include "admin/health.hpp"
#include "base/json_writer.hpp"
#include "base/time.hpp"
#include "http/server.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tranter::admin {

/// Health and metrics of a role that is no server (a worker, a scheduler), for whoever supervises
/// it. Nothing is done for a request: what is told is known already.
///
///     GET /livez      503 when the role is stuck and should be started again
///     GET /startupz   the same
///     GET /readyz     503 when a check fails, and once the role drains; ?verbose shows each check,
///                     ?exclude=NAME leaves one out
///     GET /health     all checks as JSON, with figures
///     GET /metrics    for Prometheus, or OpenMetrics by Accept
///     GET /api/health, /api/health/ready      the same in other shapes (drop_in.hpp)
class RoleService {
  public:
    RoleService(std::string version, Instant started)
        : version_(std::move(version)), started_(started) {}
    virtual ~RoleService() = default;
    RoleService(const RoleService&) = delete;
    RoleService& operator=(const RoleService&) = delete;

    /// Both are thread-safe and never wait for another process.
    void handle(const http::Request& request, http::Exchange exchange) const;
    http::Response answer(const http::Request& request) const;

    /// It stops, from now on.
    void set_draining();

  protected:
    /// What is asked of a role, at a moment. Made for one request and used by one thread.
    class Look {
      public:
        virtual ~Look() = default;

        virtual bool is_stuck() const = 0;
        /// In order of importance.
        virtual std::vector<HealthCheck> checks() const = 0;
        /// Members of the object that /health shows, behind status and checks.
        virtual void write_figures(JsonWriter& json) const = 0;
        /// `is_up`: no check fails, and it does not drain.
        virtual void render(Exposition& out, bool is_up) const = 0;
    };

    virtual std::unique_ptr<Look> look() const = 0;
    /// How long the role has been stopping; 0 while it works.
    double shutdown_seconds() const;

  private:
    std::vector<HealthCheck> all_checks(const Look& look) const;
    http::Response health(const Look& look) const;
    http::Response metrics(const http::Request& request, const Look& look) const;

    const std::string version_;
    const Instant started_;
    const SteadyClock clock_{};
    std::atomic<Instant> draining_since_{};  // {}: it works
};

}  // namespace tranter::admin
