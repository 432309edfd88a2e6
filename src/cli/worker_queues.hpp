#pragma once

#include "cli/config_codec.hpp"
#include "cli/config_node.hpp"

#include <tranter/worker_queue.hpp>

#include <string>
#include <string_view>
#include <vector>

/// The queues of a worker, as files, flags and variables name them.
namespace tranter::cli {

/// "mail", "mail:3" with a weight.
[[nodiscard]] Result<WorkerQueue> parse_worker_queue(std::string_view text);

[[nodiscard]] Result<void> read_worker_queues(
    const ConfigNode& node, std::vector<WorkerQueue>& queues
);
std::string toml_worker_queues(const std::vector<WorkerQueue>& queues);

/// A list of the above and of `{ name = "mail", weight = 3, concurrency = 2 }`.
struct WorkerQueuesCodec {
    static constexpr ValueShape shape = ValueShape::texts;

    static Result<void> read(const ConfigNode& node, std::vector<WorkerQueue>& value) {
        return read_worker_queues(node, value);
    }
    static std::string write(const std::vector<WorkerQueue>& value) {
        return toml_worker_queues(value);
    }
    static std::string describe() { return "list of names or `{ name, weight, concurrency }`"; }
};

}  // namespace tranter::cli
