#include "providers/broker_workers.hpp"

#include "providers/broker_calls.hpp"
#include "providers/broker_job_codec.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

namespace tranter::providers {
namespace {

constexpr Duration remembered = std::chrono::minutes(10);
/// A worker that goes from queue to queue costs no more than this.
constexpr std::size_t worker_queues_max = 64;
/// Looked at under one lock of a queue.
constexpr std::size_t looked_at_once = 1'000;
constexpr Duration worker_wait_max = std::chrono::hours(24);

using RunningByName = std::unordered_map<std::string, std::uint64_t>;

/// What is in flight of a queue, by the names of those who hold it.
void count_running(BrokerParts& parts, JobQueue& queue, RunningByName& running) {
    std::uint64_t left = queue.handle->counters(parts.broker.now()).in_flight;
    std::uint32_t slot = 0;
    for (bool more = true; more && left > 0;) {
        std::vector<WorkerTable::Access::Named> named;
        std::vector<engine::Receipt> receipts;
        {
            const WorkerTable::Access workers(queue.workers);
            more = workers.collect(slot, looked_at_once, named);
        }
        for (const auto& each : named)
            receipts.push_back(each.receipt);
        const auto held = parts.broker.held(queue.handle, receipts);
        const WorkerTable::Access workers(queue.workers);
        for (std::size_t i = 0; i < held.size() && left > 0; ++i) {
            if (!held[i]) continue;
            ++running[workers.name_of(named[i].number)];
            --left;
        }
    }
}

}  // namespace

void KnownWorkers::asks(const ReceiveRequest& request, Instant now) {
    if (request.worker.empty()) return;
    const std::lock_guard lock(mutex_);
    auto found = known_.find(request.worker);
    if (found == known_.end()) {
        make_room(now);
        found = known_.emplace(request.worker, Known{.first_seen = now}).first;
    }
    Known& known = found->second;
    if (!known.queues.contains(request.queue) && known.queues.size() < worker_queues_max) {
        known.queues.insert(request.queue);
    }
    if (request.worker_concurrency != 0) known.concurrency = request.worker_concurrency;
    if (!request.worker_version.empty()) known.version = request.worker_version;
    known.last_seen = std::max(known.last_seen, now);
    const Duration wait = std::clamp<Duration>(request.wait, Duration::zero(), worker_wait_max);
    known.silent_from = std::max(known.silent_from, now + wait);
}

void KnownWorkers::heard(const std::string& name, Instant now) {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(name);
    if (found == known_.end()) return;
    found->second.last_seen = std::max(found->second.last_seen, now);
    found->second.silent_from = std::max(found->second.silent_from, now);
}

std::vector<WorkerInfo> KnownWorkers::list(Instant now) {
    std::vector<WorkerInfo> workers;
    const std::lock_guard lock(mutex_);
    forget_silent(now);
    workers.reserve(known_.size());
    for (const auto& [name, known] : known_) {
        workers.push_back(
            {.name = name,
             .queues = {known.queues.begin(), known.queues.end()},
             .concurrency = known.concurrency,
             .version = known.version,
             .first_seen = to_time_point(known.first_seen),
             .last_seen = to_time_point(known.last_seen)}
        );
    }
    return workers;
}

void KnownWorkers::forget_silent(Instant now) {
    std::erase_if(known_, [now](const auto& each) {
        return each.second.silent_from + remembered < now;
    });
}

void KnownWorkers::make_room(Instant now) {
    if (known_.size() < workers_max_) return;
    forget_silent(now);
    if (known_.size() < workers_max_) return;
    // A tenth at once, so that it is not looked for with every new one.
    std::vector<Instant> silent;
    silent.reserve(known_.size());
    for (const auto& each : known_)
        silent.push_back(each.second.silent_from);
    const auto tenth = silent.begin() + static_cast<std::ptrdiff_t>(silent.size() / 10);
    std::ranges::nth_element(silent, tenth);
    std::erase_if(known_, [limit = *tenth](const auto& each) {
        return each.second.silent_from <= limit;
    });
}

Result<std::vector<WorkerInfo>> list_workers(BrokerParts& parts) {
    if (auto open = check_open(parts); !open) return std::unexpected(open.error());
    std::vector<WorkerInfo> workers = parts.workers.list(parts.broker.now());
    if (workers.empty()) return workers;
    RunningByName running;
    for (const broker::QueueHandle& queue : parts.queues.all())
        count_running(parts, *parts.queues.of(queue), running);
    for (WorkerInfo& worker : workers) {
        const auto found = running.find(worker.name);
        if (found != running.end()) worker.running = found->second;
    }
    return workers;
}

}  // namespace tranter::providers
