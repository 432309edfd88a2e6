#pragma once

#include "base/error.hpp"
#include "cli/server_config.hpp"

#include <optional>
#include <string_view>

namespace tranter::cli {

/// `invalid_argument` for what is no store that several servers can stand before.
[[nodiscard]] Result<> check_served_store(std::string_view url);

/// The Jobs API, health and metrics over the store of `config.provider`, with no queues of its own:
/// any number of such servers may run over one. Returns the exit status.
[[nodiscard]] Result<int> serve_store(const ServerConfig& config, std::optional<int> ready_fd);

}  // namespace tranter::cli
