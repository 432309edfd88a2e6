#pragma once

#include "admin/jobs_api.hpp"
#include "admin/schedules_api.hpp"
#include "base/time.hpp"
#include "broker/broker.hpp"
#include "cli/server_config.hpp"
#include "providers/broker_history.hpp"
#include "providers/broker_provider.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace tranter::cli {

/// Jobs in the queues of `serve`, what became of them, and the API for both, and for schedules.
class ServeJobs {
  public:
    /// The broker outlives it. Without a history that cannot be opened, which the log says.
    ServeJobs(const ServerConfig& config, broker::Broker& broker);

    admin::JobsApi& api() { return api_; }
    std::vector<JobQueueMetrics> metrics() const { return provider_.metrics(); }
    /// Nothing without a history.
    std::optional<HistoryCounts> history_counts() const;
    /// Ends what waits; further calls are refused.
    void close() { provider_.close(); }

  private:
    const SteadyClock clock_{};
    const std::unique_ptr<providers::JobHistory> history_;  // null: not kept
    providers::BrokerProvider provider_;
    admin::SchedulesApi schedules_;
    admin::JobsApi api_;
};

}  // namespace tranter::cli
