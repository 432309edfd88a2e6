#pragma once

#include "broker/settings.hpp"
#include "cli/server_config.hpp"

namespace tranter::cli {

/// A configured queue as the broker takes it.
broker::QueueSettings queue_settings(const QueueConfig& queue, const ServerConfig& config);

}  // namespace tranter::cli
