#pragma once

#include "cli/config_codec.hpp"
#include "cli/config_node.hpp"
#include "cli/server_config.hpp"

#include <span>
#include <string>
#include <string_view>

namespace tranter::cli {

/// One key of tranter.toml: the only place that knows its name, type, range and meaning. Reader,
/// writer, TRANTER_* variables and docs/configuration.md all go by these tables.
template <class Config>
struct ConfigKey {
    std::string_view path;  ///< "server.sqs"; for queues below the queue: "groups.fair"
    Result<void> (*read)(const ConfigNode& node, Config& config);
    std::string (*write)(const Config& config);  ///< the value as TOML
    std::string (*describe)();                   ///< type and range
    ValueShape shape;
    std::string_view meaning;
    /// The value is never shown, and `${NAME}` takes it from the environment.
    bool secret = false;
};

using ServerKey = ConfigKey<ServerConfig>;
using QueueKey = ConfigKey<QueueConfig>;
using HandlerKey = ConfigKey<HandlerConfig>;
using ScheduleKey = ConfigKey<ScheduleConfig>;
using AppKey = ConfigKey<AppConfig>;

std::span<const ServerKey> server_keys();

/// The keys of [queues.NAME] and [queue_template].
std::span<const QueueKey> queue_keys();

/// The keys of [handlers."TYPE"].
std::span<const HandlerKey> handler_keys();

/// The keys of [schedules.NAME].
std::span<const ScheduleKey> schedule_keys();

/// The keys of [apps.NAME].
std::span<const AppKey> app_keys();

/// "TRANTER_SQS" for server.sqs, "TRANTER_LOG_LEVEL" for log.level.
std::string environment_name(const ServerKey& key);

/// Tables and keys that DESIGN promises and this version does not have; the text says so.
/// Empty when the path is simply unknown.
std::string_view find_future_key(std::string_view path);

}  // namespace tranter::cli
