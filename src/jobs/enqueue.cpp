#include <tranter/enqueue.hpp>

namespace tranter::detail {

void fill_in(EnqueueOptions& options, const JobDefaults& defaults) {
    if (options.queue.empty()) options.queue = defaults.queue;
    if (!options.priority) options.priority = defaults.priority;
    if (!options.timeout) options.timeout = defaults.timeout;
    if (!options.retry) options.retry = defaults.retry;
}

void fill_in_key(EnqueueOptions& options, std::optional<std::string> key) {
    if (!key) return;
    if (!options.dedup) options.dedup.emplace();
    if (options.dedup->key.empty()) options.dedup->key = std::move(*key);
}

}  // namespace tranter::detail
