#pragma once

#include "base/error.hpp"
#include "cli/server_config.hpp"

#include <map>
#include <string>
#include <vector>

namespace tranter::cli {

/// What the queues of a deployment are bound to by its environment.
struct QueueBindings {
    std::map<std::string, std::string> dead_letter_queues{};  // queue -> its dead-letter queue
};

/// Variables that workers of existing deployments are configured by, read into the configuration;
/// TRANTER_* variables and flags, which are read later, win over them:
///
/// | variable | key |
/// |---|---|
/// | WORKER_POLL_INTERVAL_MS | worker.poll_wait: there is no interval, a call waits as long |
/// | WORKER_BATCH_SIZE | worker.batch |
/// | WORKER_VISIBILITY_TIMEOUT | worker.lease, in seconds |
/// | EXECUTION_WORKER_CONCURRENCY | worker.concurrency |
/// | EXECUTION_TENANT_CONCURRENCY | worker.group_concurrency |
/// | MAX_CONCURRENT_ATTEMPTS_PER_JOB | worker.max_parallel_runs |
/// | SQS_NAME_QUEUE_URL | adds the queue to worker.queues, and sets provider |
/// | SQS_NAME_DLQ_URL | the dead-letter queue of SQS_NAME_QUEUE_URL |
///
/// `invalid_argument` names the variable and says what would be right; it never repeats a URL.
[[nodiscard]] Result<QueueBindings> apply_deployment_variables(
    ServerConfig& config,
    const std::vector<std::string>& environment  ///< "NAME=value" as in environ
);

}  // namespace tranter::cli
