#pragma once

#include "admin/role_service.hpp"

#include <tranter/span_counts.hpp>
#include <tranter/worker.hpp>

#include <functional>
#include <memory>
#include <string>

namespace tranter::admin {

struct WorkerServiceOptions {
    std::string version{};
    std::string worker{};  // its name
    unsigned concurrency = 1;
    std::function<WorkerFigures()> figures{};
    std::function<WorkerMetrics()> metrics{};
    std::function<SpanCounts()> spans{};  // empty: none are exported
};

/// Of a worker. It is stuck when no call to the provider has come back for too long though that
/// answers, and not ready while the provider does not, or has not taken outcomes for too long.
class WorkerService final : public RoleService {
  public:
    WorkerService(WorkerServiceOptions options, Instant started);

  private:
    class WorkerLook;
    std::unique_ptr<Look> look() const override;

    const WorkerServiceOptions options_;
};

}  // namespace tranter::admin
