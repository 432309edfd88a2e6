#pragma once

#include "admin/role_service.hpp"
#include "cli/server_config.hpp"
#include "http/server.hpp"

#include <memory>
#include <optional>
#include <string>

namespace tranter::cli {

struct HealthServerOptions {
    std::optional<Endpoint> endpoint{};  // empty: not served
    /// When the address is taken, any free port will do.
    bool may_move = false;
};

/// Serves the health and metrics of a role on a port of its own for as long as it lives. Throws
/// SystemError when it cannot listen.
class HealthServer {
  public:
    /// `service` outlives it.
    HealthServer(const admin::RoleService& service, const HealthServerOptions& options);
    ~HealthServer();
    HealthServer(const HealthServer&) = delete;
    HealthServer& operator=(const HealthServer&) = delete;

    /// Where it listens: "127.0.0.1:3003" or "off".
    std::string address() const;

  private:
    void listen(const Endpoint& endpoint);

    const admin::RoleService& service_;
    Endpoint endpoint_{};
    std::unique_ptr<http::Server> server_{};
};

}  // namespace tranter::cli
