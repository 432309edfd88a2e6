#pragma once

#include "admin/connection_metrics.hpp"
#include "admin/role_service.hpp"
#include "jobs/forwarding.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tranter::admin {

struct ForwarderServiceOptions {
    std::string version{};
    std::string from{};  // names of the queues
    std::string to{};
    std::function<jobs::ForwardingFigures()> figures{};  // known already
    std::function<std::vector<StoreConnections>()> connections{};
};

/// Of what forwards jobs. It is not ready while one of the stores does not answer; restarting it
/// would not help that, so it is never stuck.
class ForwarderService final : public RoleService {
  public:
    ForwarderService(ForwarderServiceOptions options, Instant started);

  private:
    class ForwarderLook;
    std::unique_ptr<Look> look() const override;

    const ForwarderServiceOptions options_;
};

}  // namespace tranter::admin
