#pragma once

#include "admin/role_service.hpp"

#include <tranter/scheduler_metrics.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace tranter::admin {

struct SchedulerServiceOptions {
    std::string version{};
    std::string scheduler{};  // its name
    bool recurring = true;    // it is there for schedules
    bool timers = true;       // it is there for jobs for later
    /// What is later than this makes it degraded.
    Milliseconds late_after = std::chrono::minutes(1);
    /// Both are known already, and never wait for the store.
    std::function<SchedulerMetrics()> metrics{};
    std::function<SchedulerHealth()> health{};
};

/// Of a scheduler. It is stuck when nothing goes on though something should, not ready while its
/// store does not answer, and degraded while something is late: restarting it, or taking it out of
/// service, would not help that.
class SchedulerService final : public RoleService {
  public:
    SchedulerService(SchedulerServiceOptions options, Instant started);

  private:
    class SchedulerLook;
    std::unique_ptr<Look> look() const override;

    const SchedulerServiceOptions options_;
};

}  // namespace tranter::admin
