#pragma once

#include "broker/settings.hpp"
#include "cli/server_config.hpp"

namespace tranter::cli {

/// A configured queue as the broker takes it.
broker::QueueSettings queue_settings(const QueueConfig& queue, const ServerConfig& config);

/// A queue that was restored, as the configuration wants it now: the configuration wins wherever it
/// has a key. Tags that it does not name, and what only the API can set, such as permissions, stay.
broker::QueueSettings merge_settings(
    const broker::QueueSettings& restored, broker::QueueSettings configured
);

}  // namespace tranter::cli
