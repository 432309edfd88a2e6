#pragma once

#include "admin/role_service.hpp"
#include "cli/server_config.hpp"
#include "http/server.hpp"

#include <memory>
#include <optional>
#include <shared_mutex>
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
    /// While it lives, another service answers. Not longer than the server.
    class Turn {
      public:
        Turn(HealthServer& server, const admin::RoleService& service);
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

      private:
        HealthServer& server_;
        const admin::RoleService* const before_;
    };

    /// `service` outlives it.
    HealthServer(const admin::RoleService& service, const HealthServerOptions& options);
    ~HealthServer();
    HealthServer(const HealthServer&) = delete;
    HealthServer& operator=(const HealthServer&) = delete;

    /// Where it listens: "127.0.0.1:3003" or "off".
    std::string address() const;

  private:
    void listen(const Endpoint& endpoint);

    const admin::RoleService* take_turn(const admin::RoleService* service);

    // Shared by those who ask it. What is told is known already, so nobody waits long.
    std::shared_mutex mutex_{};
    const admin::RoleService* service_;  // guarded by mutex_
    Endpoint endpoint_{};
    std::unique_ptr<http::Server> server_{};
};

}  // namespace tranter::cli
