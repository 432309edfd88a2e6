#include "cli/role_ending.hpp"

#include "cli/up_roles.hpp"

#include <algorithm>
#include <chrono>

namespace tranter::cli {
namespace {

/// For the kernel to take apart what was killed, and for a handler without a program to notice.
constexpr Duration grace_reserve = std::chrono::seconds(2);
/// For outcomes to reach the store.
constexpr Duration outcomes_reserve = std::chrono::seconds(5);
constexpr Duration server_patience = std::chrono::seconds(35);

}  // namespace

Duration handlers_stop_grace(const ServerConfig& config) {
    Duration longest{};
    for (const HandlerConfig& handler : config.handlers) {
        if (handler.http.empty()) longest = std::max(longest, handler.grace);
    }
    return longest + grace_reserve;
}

Duration ending_limit(std::string_view role, const ServerConfig& config) {
    if (role == "serve") return server_patience;
    if (role != "work") return supervise::StopRule().timeout;
    return config.worker.shutdown_timeout + handlers_stop_grace(config) + outcomes_reserve;
}

supervise::Probe server_liveness(const ServerConfig& config) {
    if (!config.admin_enabled || config.admin.port == 0) return {};
    return {
        .kind = supervise::Probe::Kind::http,
        .target = local_url(config.admin) + "/livez",
        .period = std::chrono::seconds(10),
        .timeout = std::chrono::seconds(5)};
}

}  // namespace tranter::cli
