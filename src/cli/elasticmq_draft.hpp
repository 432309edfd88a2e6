#pragma once

#include "cli/config_node.hpp"
#include "cli/server_config.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The parts of reading elasticmq.conf that elasticmq_config.cpp puts together.
namespace tranter::cli::elasticmq {

/// node-address, which makes sense only as a whole.
struct NodeAddress {
    bool given = false;
    bool generate = false;
    std::string protocol = "http";
    std::string host = "localhost";
    std::int64_t port = 9324;
};

/// A configuration that is not finished yet.
struct Draft {
    ServerConfig config;
    NodeAddress address;
    bool stats_given = false;
    std::vector<std::string> notices;
    std::vector<std::string> unused;  ///< keys that have no meaning here
};

/// One key of the file. Errors of `read` say what was found; the caller adds place and key.
struct ServerKey {
    std::string_view path;
    std::string_view toml_path;  ///< the same in tranter.toml, if there is one
    Result<void> (*read)(const ConfigNode& node, Draft& draft);
};

struct QueueKey {
    std::string_view path;
    std::string_view toml_path;  ///< below the queue
    Result<void> (*read)(const ConfigNode& node, QueueConfig& queue);
};

std::span<const ServerKey> server_keys();
std::span<const QueueKey> queue_keys();

/// The name ElasticMQ gives a queue, and whether it is FIFO: `fifo = true` appends ".fifo".
QueueConfig start_queue(const std::string& name, const ConfigNode::Object& members);

/// Brings the values of a read queue into the ranges of SQS; says so in notices.
void finish_queue(QueueConfig& queue, std::vector<std::string>& notices);

/// What depends on several keys: names of FIFO queues in references, queue URLs, ports.
void finish(Draft& draft);

}  // namespace tranter::cli::elasticmq
