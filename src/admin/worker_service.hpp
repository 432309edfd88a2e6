#pragma once

#include "base/time.hpp"
#include "http/server.hpp"

#include <tranter/worker.hpp>

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

namespace tranter::admin {

struct WorkerServiceOptions {
    std::string version{};
    std::string worker{};  // its name
    unsigned concurrency = 1;
    std::function<WorkerFigures()> figures{};
};

/// Health and metrics of a worker, for whoever supervises it.
///
///     GET /livez      503 when no call to the provider has come back for too long though it
///                     answers: the worker is stuck and should be started again
///     GET /readyz     503 before it works, while the provider does not answer, and once it drains
///     GET /health     both as JSON, with figures
///     GET /metrics    Prometheus text format 0.0.4
class WorkerService {
  public:
    WorkerService(WorkerServiceOptions options, Instant started);

    /// Both are thread-safe and never block.
    void handle(const http::Request& request, http::Exchange exchange) const;
    http::Response answer(const http::Request& request) const;

    void set_draining() { draining_ = true; }

  private:
    http::Response health(const WorkerFigures& figures) const;
    http::Response metrics(const WorkerFigures& figures) const;
    std::string_view state(const WorkerFigures& figures) const;

    const WorkerServiceOptions options_;
    const Instant started_;
    std::atomic<bool> draining_{false};
};

}  // namespace tranter::admin
