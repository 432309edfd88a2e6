#pragma once

#include "cli/config_node.hpp"
#include "cli/server_config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tranter::cli {

/// What is wrong with a configuration although each of its values is fine by itself.
struct ConfigProblem {
    ConfigPath path;  ///< of the key to change, in the words of tranter.toml
    std::string text;
};

std::optional<ConfigProblem> problem_at(ConfigPath path, std::string text);

/// Addresses, names and authentication: everything but the queues.
std::optional<ConfigProblem> find_server_problem(const ServerConfig& config);

/// The worker's queues and its handlers.
std::optional<ConfigProblem> find_worker_problem(const ServerConfig& config);

/// Schedules: expressions, zones and their jobs.
std::optional<ConfigProblem> find_schedule_problem(const ServerConfig& config);

/// Apps: names, commands, and what they depend on.
std::optional<ConfigProblem> find_app_problem(const ServerConfig& config);

/// Names of queues, what FIFO queues may say, and references between queues.
std::optional<ConfigProblem> find_queue_problem(const ServerConfig& config);

/// Sorts the queues so that each stands after those it refers to, otherwise by name. The problem
/// is a circle of references. Call it after find_queue_problem found nothing.
std::optional<ConfigProblem> order_queues(std::vector<QueueConfig>& queues);

/// Whether `text` has only ASCII letters, digits and the characters of `extra`.
bool consists_of(std::string_view text, std::string_view extra);

}  // namespace tranter::cli
