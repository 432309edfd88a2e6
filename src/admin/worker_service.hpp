#pragma once

#include "admin/health.hpp"
#include "base/time.hpp"
#include "http/server.hpp"

#include <tranter/worker.hpp>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace tranter::admin {

struct WorkerServiceOptions {
    std::string version{};
    std::string worker{};  // its name
    unsigned concurrency = 1;
    std::function<WorkerFigures()> figures{};
    std::function<WorkerMetrics()> metrics{};
};

/// Health and metrics of a worker, for whoever supervises it.
///
///     GET /livez      503 when no call to the provider has come back for too long though it
///                     answers: the worker is stuck and should be started again
///     GET /startupz   the same
///     GET /readyz     503 before it works, while the provider does not answer, and once it drains;
///                     ?verbose shows each check, ?exclude=NAME leaves one out
///     GET /health     all checks as JSON, with figures
///     GET /metrics    Prometheus text format 0.0.4
class WorkerService {
  public:
    WorkerService(WorkerServiceOptions options, Instant started);

    /// Both are thread-safe and never wait for the provider.
    void handle(const http::Request& request, http::Exchange exchange) const;
    http::Response answer(const http::Request& request) const;

    /// It stops, from now on.
    void set_draining();

  private:
    std::vector<HealthCheck> checks(const WorkerFigures& figures) const;
    http::Response health(const WorkerFigures& figures) const;
    http::Response metrics(const WorkerFigures& figures) const;
    double shutdown_seconds() const;

    const WorkerServiceOptions options_;
    const Instant started_;
    const SteadyClock clock_{};
    std::atomic<Instant> draining_since_{};  // {}: it works
};

}  // namespace tranter::admin
