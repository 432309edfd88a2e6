#pragma once

#include "broker/settings.hpp"
#include "cli/server_config.hpp"

#include <string>

namespace tranter::cli {

/// A configured queue as the broker takes it.
broker::QueueSettings queue_settings(const QueueConfig& queue, const ServerConfig& config);

/// A queue that was restored, as the configuration wants it now: the configuration wins wherever it
/// has a key. What else the API can set, such as tags and permissions, stays; what it cannot set
/// has its default without a key.
broker::QueueSettings merge_settings(
    const broker::QueueSettings& restored, const QueueConfig& queue, const ServerConfig& config
);

/// The keys whose settings differ, "retention, groups".
std::string describe_changes(
    const broker::QueueSettings& before, const broker::QueueSettings& after
);

}  // namespace tranter::cli
