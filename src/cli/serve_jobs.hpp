#pragma once

#include "admin/jobs_api.hpp"
#include "admin/schedules_api.hpp"
#include "base/time.hpp"
#include "broker/broker.hpp"
#include "cli/server_config.hpp"
#include "providers/broker_history.hpp"
#include "providers/broker_provider.hpp"

#include <tranter/tracing.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tranter::cli {

/// "sqlite", "postgres", or empty without a store of schedules.
std::string scheduler_store_kind(const ServerConfig& config);

/// The store that `tranter schedule` has with the same configuration, but none in the home
/// directory: what a server without a data directory keeps is gone with it, and schedules that are
/// still there the next time, or shared with the next server, are not what anybody expects.
std::function<Result<std::shared_ptr<schedule::ScheduleStore>>()> schedule_store_of(
    const ServerConfig& config
);

/// Of a server over `provider`; all of them outlive the API.
admin::JobsApiOptions jobs_api_options(
    const std::shared_ptr<Tracing>& tracing, Provider& provider, admin::SchedulesApi& schedules
);

/// Jobs in the queues of `serve`, what became of them, and the API for both, and for schedules.
class ServeJobs {
  public:
    /// The broker outlives it. Without a history that cannot be opened, which the log says.
    ServeJobs(const ServerConfig& config, broker::Broker& broker);

    admin::JobsApi& api() { return api_; }
    std::vector<JobQueueMetrics> metrics() const { return provider_.metrics(); }
    /// Nothing without a history.
    std::optional<HistoryCounts> history_counts() const;
    /// Whether one asked for jobs, or renewed a lease, within 90 s, or waits with jobs of its own.
    bool has_worker();
    /// Nothing while no spans are exported.
    std::optional<SpanCounts> span_counts() const;
    /// Ends what waits; further calls are refused.
    void close() { provider_.close(); }

  private:
    const std::shared_ptr<Tracing> tracing_ = Tracing::from_environment();  // null: off
    const SteadyClock clock_{};
    const std::unique_ptr<providers::JobHistory> history_;  // null: not kept
    providers::BrokerProvider provider_;
    admin::SchedulesApi schedules_;
    admin::JobsApi api_;
};

}  // namespace tranter::cli
