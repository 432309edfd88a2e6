#pragma once

#include "admin/connection_metrics.hpp"
#include "admin/jobs_api.hpp"
#include "admin/role_service.hpp"
#include "admin/store_probe.hpp"
#include "admin/token_gate.hpp"
#include "http/server.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tranter::admin {

struct StoreServiceOptions {
    std::string version{};
    /// Bearer token that everything but health asks for; empty: open.
    std::string token{};
    std::string store{};  // what kind it is
    std::function<std::shared_ptr<const StoreProbe::State>()> state{};
    std::function<std::optional<ConnectionMetrics>()> connections{};
};

/// The port of a server over a store of jobs that is elsewhere: health of the role, metrics of the
/// queues in it, and the Jobs API (/v1/...).
class StoreService {
  public:
    /// `jobs` outlives it.
    StoreService(StoreServiceOptions options, JobsApi& jobs, Instant started);
    ~StoreService();
    StoreService(const StoreService&) = delete;
    StoreService& operator=(const StoreService&) = delete;

    /// Thread-safe, never waits for the store.
    void handle(const http::Request& request, http::Exchange exchange) const;
    /// It stops, from now on.
    void set_draining();

  private:
    class StoreHealth;

    const StoreServiceOptions options_;
    JobsApi& jobs_;
    const std::unique_ptr<StoreHealth> health_;
    mutable TokenGate gate_;
};

}  // namespace tranter::admin
